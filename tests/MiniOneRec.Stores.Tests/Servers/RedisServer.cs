using System.Diagnostics;
using System.Net.Sockets;

namespace MiniOneRec.Stores.Tests;

/// <summary>Redis.</summary>
public sealed class RedisServer : ServerProcess
{
    public string Configuration => $"127.0.0.1:{Port}";

    protected override string Package => "redis-server";

    protected override string? FindProgram() => File.Exists("/usr/bin/redis-server") ? "/usr/bin/redis-server" : null;

    protected override Task<Process> StartAsync(string program) => Task.FromResult(
        Run(program, "--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", Folder));

    protected override async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
