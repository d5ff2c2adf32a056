using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>Tests that count files and clients of the whole process run one after the other.</summary>
[CollectionDefinition("doors", DisableParallelization = true)]
public sealed class DoorCollection;
