namespace FastIova;

/// <summary>A PCI function as C holds it: with the side of its model, when the model is C's.</summary>
/// <param name="Function">What a driver uses.</param>
/// <param name="Model">The model that C functions are; null for one of the library's.</param>
internal sealed record NativeFunction(PciFunction Function, CallbackModel? Model);
