using MiniOneRec.Stores;

namespace MiniOneRec.Studies;

/// <summary>Kills of the server while it stores events: what it acknowledged must be there, once.</summary>
internal static class ServeKills
{
    public static async Task RunAsync(StudyContext context)
    {
        int kills = context.Option("kills", 50);
        const int Writers = 4;
        var token = context.CancellationToken;
        using var shop = new ServeShop();
        await shop.MakeAsync(1, 200, 32, 1, 10, 64, token);
        var random = new Random(5);
        var acknowledged = new HashSet<string>(StringComparer.Ordinal);
        var sent = new HashSet<string>(StringComparer.Ordinal);
        for (int round = 0; round < kills; round++)
        {
            int port = ServeClient.FreePort(), at = round;
            using var process = shop.Start(port);
            using var client = new ServeClient($"http://127.0.0.1:{port}");
            if (double.IsNaN(await client.ReadyAsync(TimeSpan.FromSeconds(60), token)))
            {
                throw new InvalidDataException($"The server of round {round} did not become ready.");
            }

            var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(
                async () =>
                {
                    for (int i = 0; ; i++)
                    {
                        string first = $"{at}-{writer}-{i}", second = first + "b";
                        lock (sent)
                        {
                            sent.UnionWith([first, second]);
                        }

                        try
                        {
                            var (status, _) = await client.SendAsync(HttpMethod.Post, "/v1/events",
                                $$"""
                                {"id": "{{first}}", "userId": "u{{writer}}", "itemId": "{{first}}"}
                                {"userId": "u{{writer}}", "itemId": "{{second}}"}
                                """, token, "application/x-ndjson");
                            if (status == 200)
                            {
                                lock (acknowledged)
                                {
                                    acknowledged.UnionWith([first, second]);
                                }
                            }
                        }
                        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
                        {
                            return;
                        }
                    }
                },
                token)).ToArray();
            await Task.Delay(random.Next(20, 400), token);
            process.Kill();                                         // SIGKILL
            await Task.WhenAll(writers);
            await process.WaitForExitAsync(token);
        }

        using var store = new SqliteStore(new SqliteStoreOptions { Path = shop.Database });
        await store.InitializeAsync(token);
        var stored = new List<string>();
        await foreach (var one in store.ReadAllAsync(token))
        {
            stored.Add(one.ItemId);
        }

        // The two events of a body are stored together or not at all.
        var all = stored.ToHashSet(StringComparer.Ordinal);
        var settings = new { kills, acknowledged = acknowledged.Count, stored = stored.Count, sent = sent.Count };
        context.Report("kills.lost", acknowledged.Count(item => !all.Contains(item)), "events", settings);
        context.Report("kills.doubled", stored.Count - all.Count, "events");
        context.Report("kills.halves", all.Count(item => item.EndsWith('b') ? !all.Contains(item[..^1]) : !all.Contains(item + "b")),
            "events");
    }
}
