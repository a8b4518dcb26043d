using DuckDB.NET.Data;

namespace MiniOneRec.Datasets.DuckDb.Tests;

/// <summary>Short ways to write, prepare and show logs.</summary>
internal static class Engine
{
    /// <summary>Steps that filter nothing and hold nothing out.</summary>
    public static PreparationOptions All => new() { MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.None };

    /// <summary>Options for small files: one thread, little memory.</summary>
    public static DuckDbSourceOptions Source(params string[] inputs) => new() { Inputs = inputs, Threads = 1, MemoryLimit = "400MB" };

    /// <summary>Reads a log with everything kept, as <c>user:item item@time …</c> per user.</summary>
    public static async Task<string[]> ShowAsync(DuckDbSourceOptions source, PreparationOptions? options = null, Watcher? watcher = null)
    {
        var data = await new DuckDbInteractionSource(source).LoadAsync(options ?? All, watcher);
        return [.. data.TrainSequences.Select(Show)];
    }

    public static string Show(UserSequence sequence) => $"{sequence.UserId}:"
        + string.Join(' ', Enumerable.Range(0, sequence.ItemIds.Count).Select(sequence.At)
        .Select(at => at.ItemId + (at.Timestamp is { } time ? $"@{time}" : "") + (at.EventType is { } type ? $"/{type}" : "")
            + (at.Weight is { } weight ? FormattableString.Invariant($"*{weight}") : "")));

    public static string Show(NextItemExample row) => $"{row.UserId}:{string.Join(' ', row.History)}>{row.Target}";

    /// <summary>Runs SQL on a connection of its own, as a stranger would.</summary>
    public static List<string> Sql(string script, string? query = null)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = script;
        command.ExecuteNonQuery();
        var rows = new List<string>();
        if (query is not null)
        {
            command.CommandText = query;
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount)
                    .Select(i => Convert.ToString(reader.GetValue(i), System.Globalization.CultureInfo.InvariantCulture))));
            }
        }

        return rows;
    }
}

/// <summary>Keeps what a preparation says.</summary>
internal sealed class Watcher : IPreparationObserver
{
    public List<string> Messages { get; } = [];

    public List<PreparationStep> Steps { get; } = [];

    public void OnMessage(string text) => Messages.Add(text);

    public void OnFinished(PreparationStep step) => Steps.Add(step);
}
