namespace MiniOneRec.Experiments;

/// <summary>Writes the tables of the committed runs, and tells where they differ from the runs.</summary>
internal sealed class TablesStudy : IStudy
{
    public string Name => "tables";

    public string Description => "Writes the Markdown tables of recorded runs. --results benchmarks/results --check (only compare)";

    public async Task RunAsync(StudyContext context)
    {
        string folder = context.Option("results", Path.Combine("benchmarks", "results"));
        bool check = context.Option("check", false);
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException(
                $"There is no folder '{Path.GetFullPath(folder)}'; give the folder of the runs as --results.");
        }

        foreach (var (file, text) in ResultPages.Write(new RunStore(folder)))
        {
            string path = Path.Combine(folder, file);
            bool same = File.Exists(path) && await File.ReadAllTextAsync(path, context.CancellationToken) == text;
            if (!same && check)
            {
                throw new InvalidDataException($"'{path}' is not what the runs say; write it with: tables --results {folder}");
            }

            if (!same)
            {
                await AtomicFile.WriteTextAsync(path, text, context.CancellationToken);
            }

            context.Log($"{path}: {(same ? "unchanged" : "written")}");
        }
    }
}
