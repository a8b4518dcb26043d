using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace MiniOneRec.Studies;

/// <summary>Callers of a server over the loopback.</summary>
internal sealed class ServeClient : IDisposable
{
    private readonly HttpClient _client;

    public ServeClient(string url)
    {
        _client = new HttpClient(new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2) })
        {
            BaseAddress = new Uri(url),
            Timeout = TimeSpan.FromMinutes(10),                   // a run that is paused goes on
        };
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ServeShop.Key);
    }

    public HttpClient Http => _client;

    /// <summary>Gets a history of ten items, the same for the same number.</summary>
    public static string[] History(int request, int items)
    {
        var random = new Random(request);
        return [.. Enumerable.Range(0, 10).Select(_ => $"{random.Next(items)}")];
    }

    public static string Body(int request, int items, int count = 10) =>
        $$"""{"history": [{{string.Join(',', History(request, items).Select(item => $"\"{item}\""))}}], "count": {{count}}}""";

    /// <summary>Sends a request with a JSON body.</summary>
    public async Task<(int Status, JsonElement Answer)> SendAsync(HttpMethod method, string path, string? body,
        CancellationToken cancellationToken,
        string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, type);
        }

        using var response = await _client.SendAsync(request, cancellationToken);
        byte[] content = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        if (content.Length == 0)
        {
            return ((int)response.StatusCode, default);
        }

        using var document = JsonDocument.Parse(content);
        return ((int)response.StatusCode, document.RootElement.Clone());
    }

    /// <summary>Asks for recommendations by several callers at once, each with one request at a time.</summary>
    /// <returns>The milliseconds of each request, and the seconds of all.</returns>
    public async Task<(double[] Milliseconds, double Seconds)> LoadAsync(int requests, int concurrency, int items, int seed,
        CancellationToken cancellationToken)
    {
        double[] milliseconds = new double[requests];
        int next = 0;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => Task.Run(
            async () =>
            {
                for (int i = Interlocked.Increment(ref next) - 1; i < requests; i = Interlocked.Increment(ref next) - 1)
                {
                    long start = Stopwatch.GetTimestamp();
                    var (status, answer) = await SendAsync(HttpMethod.Post, "/v1/recommend", Body(seed + i, items), cancellationToken);
                    milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                    if (status != 200 || answer.GetProperty("items").GetArrayLength() != 10)
                    {
                        throw new InvalidDataException($"Request {i} got {status}: {answer}");
                    }
                }
            },
            cancellationToken)));
        return (milliseconds, clock.Elapsed.TotalSeconds);
    }

    /// <summary>Waits until the server is ready.</summary>
    /// <returns>The seconds that it took, or NaN where it did not become ready.</returns>
    public async Task<double> ReadyAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < patience)
        {
            try
            {
                using var response = await _client.GetAsync("/v2/health/ready", cancellationToken);
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    return clock.Elapsed.TotalSeconds;
                }
            }
            catch (HttpRequestException)
            {
                // it does not listen yet
            }

            await Task.Delay(10, cancellationToken);
        }

        return double.NaN;
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public static double Percentile(double[] values, double share) => values.Order().ElementAt((int)(share * (values.Length - 1)));

    public void Dispose() => _client.Dispose();
}
