using System.CommandLine;
using System.Globalization;
using System.Text;
using MiniOneRec.Stores;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>retrain</c>: training data of what a server has collected.</summary>
internal static class RetrainCommand
{
    private const int PageSize = 1_000;

    private static readonly Option<string> From =
        new("--from") { Description = $"The server's store. {StoreLocation.Expected}", HelpName = "STORE", Required = true };
    private static readonly Option<string> Output =
        new("--output", "-o") { Description = "Folder of the data.", HelpName = "DIR", DefaultValueFactory = _ => "collected" };
    private static readonly Option<string[]> Types =
        new("--types") { Description = "Keep events of these types only.", HelpName = "TYPE", AllowMultipleArgumentsPerToken = true };

    public static Command Create(CliContext context)
    {
        var command = new Command("retrain", "Write what a server has collected as data that the command run trains on.");
        foreach (Option option in (Option[])[From, Output, Types])
        {
            command.Options.Add(option);
        }

        command.SetAction(async (line, cancellationToken) =>
        {
            var reporter = context.Reporter(line);
            string folder = Directory.CreateDirectory(line.GetValue(Output)!).FullName;
            object store = StoreLocation.Open(StoreLocation.Existing(line.GetRequiredValue(From)));
            try
            {
                var (histories, items) = ((IHistoryStore)store, (IItemStore)store);
                await histories.InitializeAsync(cancellationToken);
                string events = Path.Combine(folder, "events.csv"), texts = Path.Combine(folder, "items.item.json");
                int users = 0, count = 0;
                await AtomicFile.WriteAsync(events,
                    async stream => (users, count) = await WriteEventsAsync(stream, histories, line.GetValue(Types) ?? [],
                        cancellationToken),
                    cancellationToken);
                var added = await AddedAsync(items, cancellationToken);
                await ItemFile.WriteAsync(texts, added, cancellationToken);
                reporter.Value("events", events);
                reporter.Value("items", texts);
                reporter.OnMessage(string.Create(CultureInfo.InvariantCulture,
                    $"{count:N0} events of {users:N0} users, {added.Count:N0} items. "
                    + $"Train: minionerec run --input {events} --items FILE --output run"));
            }
            finally
            {
                await ((store as IAsyncDisposable)?.DisposeAsync() ?? ValueTask.CompletedTask);
                (store as IDisposable)?.Dispose();
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<(int Users, int Events)> WriteEventsAsync(Stream stream, IHistoryStore store, string[] types,
        CancellationToken cancellationToken)
    {
        await using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        await writer.WriteLineAsync("user_id,item_id,timestamp,event_type,weight");
        (string? user, int users, int events) = (null, 0, 0);
        await foreach (var one in store.ReadAllAsync(cancellationToken))
        {
            if (types.Length > 0 && !types.Contains(one.EventType, StringComparer.Ordinal))
            {
                continue;
            }

            users += one.UserId == user ? 0 : 1;
            (user, events) = (one.UserId, events + 1);
            await writer.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"{Field(one.UserId)},{Field(one.ItemId)},{one.TimeMilliseconds},{Field(one.EventType ?? "")},{one.Weight}"));
        }

        return (users, events);
    }

    private static async Task<List<Item>> AddedAsync(IItemStore store, CancellationToken cancellationToken)
    {
        await store.InitializeAsync(cancellationToken);
        var added = new List<Item>();
        long after = 0;
        while (await store.ReadChangesAsync(after, PageSize, cancellationToken) is { Count: > 0 } changes)
        {
            after = changes[^1].Revision;
            added.AddRange(changes.Where(change => !change.IsRemoved).Select(change => change.Item));
        }

        return added;
    }

    private static string Field(string text) =>
        text.AsSpan().IndexOfAny("\",\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
