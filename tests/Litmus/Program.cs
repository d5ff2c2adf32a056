using FastIova.Litmus;

return CommandLine.Run(args, Console.Out, Console.Error);
