using BenchmarkDotNet.Running;

// In this process: BenchmarkDotNet looks for a project named like the assembly, and this one is named like its folder.
// TieredCompilation is off for all projects, so nothing that ran before changes the code.
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run([.. args, "--inProcess"]);
