using System.CommandLine;

namespace FastIova.Cli;

/// <summary><c>fastiova devices</c>: lists the models that VFIO can offer, with every option.</summary>
internal static class DevicesCommand
{
    internal static Command Create()
    {
        var command = new Command("devices", "List the devices that 'fastiova run --device' and --topology can offer, with every option.");
        command.SetAction(parsed =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            foreach (ModelForm form in ModelCatalog.Forms)
            {
                output.WriteLine($"{form.Name}: {form.Meaning}");
                foreach (ModelOption option in form.Options)
                {
                    output.WriteLine($"  {option.Name}: {option.Meaning}");
                }
            }

            output.WriteLine("every device:");
            foreach ((string name, string meaning) in DeviceOrder.Common)
            {
                output.WriteLine($"  {name}: {meaning}");
            }

            return ExitCode.Done;
        });
        return command;
    }
}
