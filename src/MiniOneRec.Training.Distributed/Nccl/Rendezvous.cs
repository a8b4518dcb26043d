using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MiniOneRec.Training.Distributed;

/// <summary>Where a process stands among those of a run, and how the first tells the others what they need to meet.</summary>
/// <remarks>By the variables of torchrun: <c>RANK</c>, <c>WORLD_SIZE</c>, <c>LOCAL_RANK</c>, <c>MASTER_ADDR</c>,
/// <c>MASTER_PORT</c>.</remarks>
/// <param name="Rank">The process's number.</param>
/// <param name="Size">The number of processes.</param>
/// <param name="LocalRank">Its number among those of its machine.</param>
/// <param name="Address">The first process's machine.</param>
/// <param name="Port">The port on which the first process listens.</param>
internal sealed record Rendezvous(int Rank, int Size, int LocalRank, string Address, int Port)
{
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(50);

    /// <summary>Reads the variables.</summary>
    /// <param name="variable">Gets a variable's value, or <see langword="null"/>.</param>
    /// <exception cref="InvalidOperationException">A variable is missing or has a wrong value; the message names it.</exception>
    public static Rendezvous Read(Func<string, string?> variable)
    {
        int size = Number("WORLD_SIZE", 1, int.MaxValue), rank = Number("RANK", 0, size - 1);
        return new Rendezvous(
            rank, size, variable("LOCAL_RANK") is null ? rank : Number("LOCAL_RANK", 0, size - 1), Text("MASTER_ADDR"),
            Number("MASTER_PORT", 1, ushort.MaxValue));

        string Text(string name) => variable(name) is { Length: > 0 } text ? text : throw new InvalidOperationException(
            $"The environment variable {name} is not set. "
            + "Start the processes by torchrun, or set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.");

        int Number(string name, int least, int most) =>
            int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number
            : throw new InvalidOperationException(
                $"The environment variable {name} is '{Text(name)}'; a number from {least} to {most} was expected.");
    }

    /// <summary>Gives every process the bytes of the first.</summary>
    /// <param name="own">The first process's bytes; the others' length must be the same.</param>
    /// <param name="deadline">How long the processes may take to meet.</param>
    /// <exception cref="ProcessGroupException">They did not; the first names the ranks that are missing.</exception>
    public byte[] Share(byte[] own, TimeSpan deadline)
    {
        using var limit = new CancellationTokenSource(deadline);
        return Size == 1 ? own : (Rank == 0 ? SendAsync(own, limit.Token) : ReceiveAsync(own.Length, limit.Token)).GetAwaiter().GetResult();
    }

    private async Task<byte[]> SendAsync(byte[] own, CancellationToken limit)
    {
        using var listener = new TcpListener(IPAddress.Any, Port);
        var missing = Enumerable.Range(1, Size - 1).ToHashSet();
        try
        {
            listener.Start();
            while (missing.Count > 0)
            {
                using var client = await listener.AcceptTcpClientAsync(limit).ConfigureAwait(false);
                var stream = client.GetStream();
                byte[] rank = new byte[sizeof(int)];
                await stream.ReadExactlyAsync(rank, limit).ConfigureAwait(false);
                await stream.WriteAsync(own, limit).ConfigureAwait(false);
                missing.Remove(BitConverter.ToInt32(rank));
            }

            return own;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            throw new ProcessGroupException(
                $"Rank 0 waited on port {Port} of {Address}: rank {string.Join(", ", missing.Order())} did not come. {e.Message}", e)
            {
                FailedRank = missing.Order().FirstOrDefault(),
            };
        }
    }

    private async Task<byte[]> ReceiveAsync(int length, CancellationToken limit)
    {
        while (true)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(Address, Port, limit).ConfigureAwait(false);
                var stream = client.GetStream();
                await stream.WriteAsync(BitConverter.GetBytes(Rank), limit).ConfigureAwait(false);
                byte[] bytes = new byte[length];
                await stream.ReadExactlyAsync(bytes, limit).ConfigureAwait(false);
                return bytes;
            }
            catch (Exception e) when (e is SocketException or IOException && !limit.IsCancellationRequested)
            {
                await Wait(e).ConfigureAwait(false);                // the first process may not listen yet
            }
            catch (OperationCanceledException e)
            {
                throw Missed(e);
            }
        }

        async Task Wait(Exception e)
        {
            try
            {
                await Task.Delay(BetweenAttempts, limit).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                throw Missed(e);
            }
        }

        ProcessGroupException Missed(Exception e) =>
            new($"Rank {Rank} did not reach rank 0 at {Address}:{Port} (MASTER_ADDR, MASTER_PORT). {e.Message}", e) { FailedRank = 0 };
    }
}
