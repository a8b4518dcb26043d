using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MiniOneRec.Studies;

/// <summary>Callers that behave badly, beside some that behave well: each of the latter must be served.</summary>
internal static class ServeAbuse
{
    public static async Task RunAsync(StudyContext context)
    {
        const int Items = 2_000;
        int idle = context.Option("idle", 10_000), mutations = context.Option("mutations", 10_000);
        var token = context.CancellationToken;
        using var shop = new ServeShop();
        await shop.MakeAsync(1, Items, 64, 2, 20, 64, token);
        int port = ServeClient.FreePort();
        using var process = shop.Start(port);
        try
        {
            using var client = new ServeClient($"http://127.0.0.1:{port}");
            if (double.IsNaN(await client.ReadyAsync(TimeSpan.FromSeconds(60), token)))
            {
                throw new InvalidDataException("The server did not become ready.");
            }

            foreach (var (name, attack) in (IEnumerable<(string, Func<Task<string>>)>)
            [
                ("slow reader", () => SlowReadersAsync(port, Items, token)), ("1 GB body", () => LargeBodyAsync(port, token)),
                ("idle connections", () => IdleAsync(port, idle, token)), ("malformed JSON", () => MalformedAsync(client, Items,
                    mutations, token)),
                ("header floods", () => HeadersAsync(port, token)),
            ])
            {
                var (asked, served, result) = await UnderAsync(client, Items, attack, token);
                context.Log($"{name}: {served} of {asked} served; {result}");
                context.Report($"abuse.served", asked == 0 ? 0 : (double)served / asked, "x", new { attack = name, asked, result });
            }

            if (process.HasExited)
            {
                throw new InvalidDataException($"The server ended with {process.ExitCode}.");
            }
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(token);
        }
    }

    /// <summary>Asks well-behaved requests until an attack ends, at least a hundred.</summary>
    private static async Task<(int Asked, int Served, string Result)> UnderAsync(ServeClient client, int items, Func<Task<string>> attack,
        CancellationToken cancellationToken)
    {
        (int asked, int served) = (0, 0);
        var attacking = Task.Run(attack, cancellationToken);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(
            async () =>
            {
                for (int i = 0; i < 25 || !attacking.IsCompleted; i++)
                {
                    Interlocked.Increment(ref asked);
                    try
                    {
                        var (status, _) = await client.SendAsync(HttpMethod.Post, "/v1/recommend", ServeClient.Body(i, items),
                            cancellationToken);
                        if (status == 200)
                        {
                            Interlocked.Increment(ref served);
                        }
                    }
                    catch (HttpRequestException)
                    {
                        // not served
                    }
                }
            },
            cancellationToken)));
        return (asked, served, await attacking);
    }

    private static async Task<string> SlowReadersAsync(int port, int items, CancellationToken cancellationToken)
    {
        // Fifty connections ask for many answers and read one byte at a time.
        var sockets = new List<Socket>();
        string many = $$"""{"requests": [{{string.Join(',', Enumerable.Range(0, 64).Select(i => ServeClient.Body(i, items, 100)))}}]}""";
        for (int i = 0; i < 50; i++)
        {
            var socket = await ConnectAsync(port, cancellationToken);
            socket.ReceiveBufferSize = 1_024;
            await socket.SendAsync(Request("/v1/recommend", many), cancellationToken);
            sockets.Add(socket);
        }

        byte[] one = new byte[1];
        for (int second = 0; second < 10; second++)
        {
            foreach (var socket in sockets.Where(socket => socket.Available > 0))
            {
                await socket.ReceiveAsync(one, cancellationToken);
            }

            await Task.Delay(500, cancellationToken);
        }

        sockets.ForEach(socket => socket.Dispose());
        return "50 connections, a byte each half second";
    }

    private static async Task<string> LargeBodyAsync(int port, CancellationToken cancellationToken)
    {
        const long Size = 1L << 30;
        using var socket = await ConnectAsync(port, cancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/recommend HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ServeShop.Key}\r\nTransfer-Encoding: chunked\r\n\r\n"),
                cancellationToken);
        byte[] chunk = [.. "10000\r\n"u8, .. Enumerable.Repeat((byte)' ', 0x10000), .. "\r\n"u8];
        long sent = 0;
        try
        {
            for (; sent < Size; sent += 0x10000)
            {
                await socket.SendAsync(chunk, cancellationToken);
            }
        }
        catch (SocketException)
        {
            // the server closed the connection
        }

        return $"{sent >> 20} MB taken before the connection was closed";
    }

    private static async Task<string> IdleAsync(int port, int count, CancellationToken cancellationToken)
    {
        var sockets = new List<Socket>(count);
        string? end = null;
        try
        {
            for (int i = 0; i < count; i++)
            {
                sockets.Add(await ConnectAsync(port, cancellationToken));
            }

            await Task.Delay(2_000, cancellationToken);
        }
        catch (SocketException e)
        {
            end = e.SocketErrorCode.ToString();
        }

        sockets.ForEach(socket => socket.Dispose());
        return $"{sockets.Count} connections{(end is null ? "" : ", then " + end)}";
    }

    private static async Task<string> MalformedAsync(ServeClient client, int items, int count, CancellationToken cancellationToken)
    {
        var statuses = new SortedDictionary<int, int>();
        var random = new Random(7);
        for (int i = 0; i < count; i++)
        {
            byte[] body = Encoding.UTF8.GetBytes(ServeClient.Body(i, items));
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                int place = random.Next(body.Length);
                body = random.Next(3) switch
                {
                    0 => [.. body[..place], .. body[(place + 1)..], (byte)' '],
                    1 => [.. body[..place], (byte)random.Next(256), .. body[place..]],
                    _ => [.. body[..place], (byte)random.Next(256), .. body[Math.Min(body.Length, place + 1)..]],
                };
            }

            using var content = new ByteArrayContent(body);
            using var response = await client.Http.PostAsync("/v1/recommend", content, cancellationToken);
            int status = (int)response.StatusCode;
            statuses[status] = statuses.GetValueOrDefault(status) + 1;
        }

        return string.Join(", ", statuses.Select(pair => $"{pair.Value} × {pair.Key}"));
    }

    private static async Task<string> HeadersAsync(int port, CancellationToken cancellationToken)
    {
        int closed = 0;
        for (int i = 0; i < 200; i++)
        {
            using var socket = await ConnectAsync(port, cancellationToken);
            var text = new StringBuilder("GET /v1/catalog HTTP/1.1\r\nHost: x\r\n");
            for (int header = 0; header < (i % 2 == 0 ? 5_000 : 3); header++)
            {
                text.Append(CultureInfo.InvariantCulture, $"X-Header-{header}: {new string('a', i % 2 == 0 ? 20 : 100_000)}\r\n");
            }

            try
            {
                await socket.SendAsync(Encoding.ASCII.GetBytes(text.ToString()), cancellationToken);
                byte[] answer = new byte[256];
                int read = await socket.ReceiveAsync(answer, cancellationToken);
                closed += Encoding.ASCII.GetString(answer, 0, read).Contains("431", StringComparison.Ordinal) || read == 0 ? 1 : 0;
            }
            catch (SocketException)
            {
                closed++;
            }
        }

        return $"{closed} of 200 refused";
    }

    private static async Task<Socket> ConnectAsync(int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        return socket;
    }

    private static byte[] Request(string path, string body) => Encoding.UTF8.GetBytes(
        $"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ServeShop.Key}\r\n"
        + $"Content-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");
}
