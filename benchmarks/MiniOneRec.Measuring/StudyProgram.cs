using System.Reflection;

namespace MiniOneRec.Measuring;

/// <summary>The program of an assembly with studies: lists them, or runs the one that the command line names.</summary>
public static class StudyProgram
{
    /// <summary>Runs.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="assembly">Holds the studies, classes that implement <see cref="IStudy"/> and have a constructor without
    /// parameters.</param>
    /// <returns>The exit code: 0, 2 for what the caller can mend, 130 after Ctrl+C.</returns>
    public static async Task<int> RunAsync(string[] arguments, Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        IStudy[] studies = [.. assembly.GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IStudy)))
            .Select(type => (IStudy)Activator.CreateInstance(type)!)
            .OrderBy(study => study.Name, StringComparer.Ordinal)];

        CommandLine line;
        try
        {
            line = CommandLine.Parse(arguments);
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine(e.Message);
            return 2;
        }

        NativeTuning.Apply(line.Allocator);
        if (line.List || line.Study is null)
        {
            Console.WriteLine("Usage: NAME [--option value]… [--json FILE] [--allocator speed|memory] | --list | NAME --help");
            foreach (var entry in studies.Where(entry => line.Study is null || entry.Name == line.Study))
            {
                Console.WriteLine($"  {entry.Name.PadRight(studies.Max(s => s.Name.Length))}  {entry.Description}");
            }

            return line.List ? 0 : 2;
        }

        if (studies.FirstOrDefault(s => s.Name == line.Study) is not { } study)
        {
            Console.Error.WriteLine($"There is no study '{line.Study}'; --list shows {studies.Length}.");
            return 2;
        }

        using var cancellation = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            cancellation.Cancel();
        };

        using var context = new StudyContext(study.Name, line.Options, line.JsonPath, cancellation.Token);
        int exitCode = 0;
        try
        {
            await study.RunAsync(context);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Cancelled.");
            exitCode = 130;
        }
        catch (Exception e) when (e is ArgumentException or IOException or InvalidDataException)
        {
            Console.Error.WriteLine(e.Message);
            exitCode = 2;
        }

        FigureTable.Write(Console.Out, context.Figures);
        if (exitCode == 0 && context.UnreadOptions is { Count: > 0 } unread)
        {
            Console.Error.WriteLine($"The study has no option {string.Join(", ", unread.Select(name => "--" + name))}.");
            exitCode = 2;
        }

        return exitCode;
    }
}
