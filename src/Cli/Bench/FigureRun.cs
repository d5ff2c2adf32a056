namespace FastIova.Cli;

/// <summary>What one process measured of a figure. Pages and code lie elsewhere in every process, so a process is what a comparison has to repeat.</summary>
/// <param name="BestNs">The best repetition, in the unit of the figure.</param>
/// <param name="BoundNs">The bound of the same process, or null.</param>
internal readonly record struct FigureRun(double BestNs, double? BoundNs);
