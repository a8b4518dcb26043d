namespace MiniOneRec.Experiments;

/// <summary>Writes tables and figures of the committed runs, and tells where the tables differ from the runs.</summary>
internal sealed class TablesStudy : IStudy
{
    public string Name => "tables";

    public string Description =>
        "Writes Markdown tables and PNG figures of recorded runs. --results benchmarks/results --check (only compare the tables)";

    public async Task RunAsync(StudyContext context)
    {
        string folder = context.Option("results", Path.Combine("benchmarks", "results"));
        bool check = context.Option("check", false);
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException(
                $"There is no folder '{Path.GetFullPath(folder)}'; give the folder of the runs as --results.");
        }

        var store = new RunStore(folder);
        foreach (var (file, text) in ResultPages.Write(store))
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

        // Images are not compared: fonts differ between machines.
        if (!check)
        {
            await ResultFigures.WriteAsync(store, context);
        }
    }
}
