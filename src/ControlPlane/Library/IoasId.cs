namespace FastIova;

/// <summary>The id of an ioas of a context.</summary>
/// <param name="Number">The number, as ioctls carry it.</param>
public readonly record struct IoasId(uint Number);

/// <summary>The id of an hwpt of a context.</summary>
/// <param name="Number">The number, as ioctls carry it.</param>
public readonly record struct HwptId(uint Number);
