namespace FastIova;

/// <summary>A device model whose state can be carried to another one of its kind; an <see cref="IPciDeviceModel"/> may be one besides.</summary>
/// <remarks>
/// What a driver sees in the configuration space, and what it has set up of interrupts, is not the model's: whoever migrates carries it over by itself.
/// Threads: as <see cref="IPciDeviceModel"/>. A <see cref="IPciDeviceModel.Reset"/> ends a pause.
/// </remarks>
public interface IPciMigratable
{
    /// <summary>The most bytes that <see cref="Save"/> answers with and <see cref="TryLoad"/> takes; does not change.</summary>
    int StateBytesLast { get; }

    /// <summary>
    /// Stops the device. When this returns no DMA goes on, and none is begun. Registers answer; what a driver writes takes effect when the device
    /// goes on. Not called while it is stopped.
    /// </summary>
    void Pause();

    /// <summary>Lets the device go on after <see cref="Pause"/>, or after a state was loaded.</summary>
    void Continue();

    /// <summary>Says all that the device needs to go on elsewhere. Called while it is stopped.</summary>
    /// <returns>The state, at most <see cref="StateBytesLast"/> bytes.</returns>
    byte[] Save();

    /// <summary>Takes the state of another device over. Called while it is stopped.</summary>
    /// <param name="state">Bytes from anywhere; a state of <see cref="Save"/> unless somebody changed it.</param>
    /// <returns>False when they are no state of such a device; nothing is changed then.</returns>
    bool TryLoad(ReadOnlySpan<byte> state);
}
