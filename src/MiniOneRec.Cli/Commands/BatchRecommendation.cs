using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Modeling;

namespace MiniOneRec.Cli.Commands;

/// <summary>Answers a file of histories, in batches, to JSON lines, CSV or Parquet.</summary>
internal sealed class BatchRecommendation(GenerativeRecommender model, string input, int count, Shard shard, Reporter reporter)
{
    private const int BatchSize = 64;

    private static readonly (string Name, string Type)[] Columns =
        [("user", "VARCHAR"), ("rank", "INTEGER"), ("item", "VARCHAR"), ("score", "DOUBLE")];

    /// <summary>Requires that the name of a file of answers tells its format.</summary>
    /// <exception cref="ArgumentException">It does not.</exception>
    public static void RequireFormat(string? output)
    {
        if (output is not null && !IsParquet(output) && !IsCsv(output) && !Is(output, ".jsonl", ".ndjson", ".json"))
        {
            throw new ArgumentException($"--output is '{output}'; expected a name that ends in .jsonl, .csv or .parquet.");
        }
    }

    /// <summary>Answers all histories of the part.</summary>
    /// <param name="output">The file, or <see langword="null"/> for <paramref name="console"/>.</param>
    /// <param name="console">Receives JSON lines where there is no file.</param>
    /// <param name="cancellationToken">Stops between batches; the file is then not written.</param>
    public async Task RunAsync(string? output, TextWriter console, CancellationToken cancellationToken)
    {
        if (output is null)
        {
            await AnswerAsync((user, answer) => console.Write(JsonLine(user, answer)), cancellationToken);
            return;
        }

        if (IsParquet(output))
        {
            using var table = new ParquetTable(Columns);
            await AnswerAsync((user, answer) => AddRows(table, user, answer), cancellationToken);
            await table.SaveAsync(output, cancellationToken);
        }
        else
        {
            await AtomicFile.WriteAsync(output, async stream =>
            {
                await using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
                bool csv = IsCsv(output);
                if (csv)
                {
                    await writer.WriteLineAsync(string.Join(',', Columns.Select(column => column.Name)));
                }

                await AnswerAsync((user, answer) => writer.Write(csv ? CsvLines(user, answer) : JsonLine(user, answer)), cancellationToken);
            }, cancellationToken);
        }

        reporter.Value("answers", Path.GetFullPath(output));
    }

    private async Task AnswerAsync(Action<string, RecommendationResult> add, CancellationToken cancellationToken)
    {
        long done = 0;
        await foreach (var batch in ReadAsync(cancellationToken).Chunk(BatchSize).WithCancellation(cancellationToken))
        {
            var answers = await model.RecommendAsync(
                [.. batch.Select(row => new RecommendationRequest { History = row.History, Count = count })], cancellationToken);
            foreach (var (row, answer) in batch.Zip(answers))
            {
                add(row.User, answer);
            }

            done += batch.Length;
            reporter.OnProgress(new TrainingProgress("recommend", done, done));
        }

        reporter.OnMessage(string.Create(CultureInfo.InvariantCulture, $"{done:N0} histories answered."));
    }

    private async IAsyncEnumerable<(string User, IReadOnlyList<string> History)> ReadAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!File.Exists(input))
        {
            throw new FileNotFoundException($"There is no file '{input}'.", input);
        }

        long number = 0;
        await foreach (string line in File.ReadLinesAsync(input, cancellationToken))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line) && shard.Has(number - 1))
            {
                yield return line.TrimStart().StartsWith('{') ? FromJson(number, line) : FromText(line);
            }
        }
    }

    private static (string User, IReadOnlyList<string> History) FromText(string line)
    {
        string[] parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return (parts[0], parts[1..]);
    }

    private (string User, IReadOnlyList<string> History) FromJson(long number, string line)
    {
        try
        {
            if (JsonNode.Parse(line) is JsonObject { } row && row["history"] is JsonArray history)
            {
                return (row["user"]?.ToString() ?? number.ToString(CultureInfo.InvariantCulture),
                    [.. history.Select(item => item!.ToString())]);
            }
        }
        catch (Exception e) when (e is JsonException or NullReferenceException)
        {
            throw new InvalidDataException($"'{input}', line {number}: no JSON object with user and history.", e);
        }

        throw new InvalidDataException(
            $"'{input}', line {number}: expected a JSON object with the members user and history, a list of item ids.");
    }

    private static void AddRows(ParquetTable table, string user, RecommendationResult answer)
    {
        foreach (var (rank, item) in answer.Items.Index())
        {
            table.Add(user, rank + 1, item.ItemId, item.Score);
        }
    }

    private static string JsonLine(string user, RecommendationResult answer) => new JsonObject
    {
        ["user"] = user,
        ["items"] = new JsonArray([.. answer.Items.Select(item => new JsonObject { ["item"] = item.ItemId, ["score"] = item.Score })]),
    }.ToJsonString() + "\n";

    private static string CsvLines(string user, RecommendationResult answer) => string.Concat(answer.Items.Select((item, rank) =>
        string.Create(CultureInfo.InvariantCulture, $"{CsvText.Quoted(user)},{rank + 1},{CsvText.Quoted(item.ItemId)},{item.Score:R}\n")));

    private static bool IsParquet(string path) => Is(path, ".parquet", ".pq");

    private static bool IsCsv(string path) => Is(path, ".csv");

    private static bool Is(string path, params ReadOnlySpan<string> endings)
    {
        foreach (string ending in endings)
        {
            if (path.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
