using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MiniOneRec.Training.Distributed;

/// <summary>Where the processes of a group run, and which of those on this machine have ended.</summary>
internal sealed class Peers
{
    private readonly Peer[] _peers;
    private readonly Peer _here;

    private Peers(Peer[] peers, int rank) => (_peers, _here) = (peers, peers[rank]);

    /// <summary>Gets the number of this process among those of its machine.</summary>
    public int LocalRank => _peers.TakeWhile(peer => peer != _here).Count(peer => peer.Machine == _here.Machine);

    /// <summary>Describes this process for the others.</summary>
    /// <param name="rank">Its rank.</param>
    public static byte[] Describe(int rank) =>
        JsonSerializer.SerializeToUtf8Bytes(new Peer(rank, Environment.MachineName, Environment.ProcessId, StartOf(Environment.ProcessId)));

    /// <summary>Reads what all processes told of themselves.</summary>
    public static Peers Of(IEnumerable<byte[]> descriptions, int rank) =>
        new([.. descriptions.Select(bytes => JsonSerializer.Deserialize<Peer>(Encoding.UTF8.GetString(bytes))!)], rank);

    /// <summary>Finds a process of this machine that has ended.</summary>
    /// <returns>Its rank with the message, or <see langword="null"/>.</returns>
    public (int Rank, string Message)? Ended()
    {
        foreach (var peer in _peers)
        {
            if (peer != _here && peer.Machine == _here.Machine && StartOf(peer.Process) != peer.Start)
            {
                return (peer.Rank, $"Rank {peer.Rank} (process {peer.Process} on {peer.Machine}) has ended.");
            }
        }

        return null;
    }

    /// <summary>Says what is known of the others when none is known to have ended.</summary>
    public string Suspects()
    {
        int[] away = [.. _peers.Where(peer => peer.Machine != _here.Machine).Select(peer => peer.Rank)];
        return away.Length == 0
            ? "Every process of this machine still runs: one hangs, or is slower than the deadline allows."
            : $"Every process of {_here.Machine} still runs; look at rank {string.Join(", ", away)} on "
                + $"{string.Join(", ", _peers.Where(peer => peer.Machine != _here.Machine).Select(peer => peer.Machine).Distinct())}.";
    }

    // The time at which a process began, which tells it from a later one of the same number; 0 where it has ended.
    private static long StartOf(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? 0 : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private sealed record Peer(int Rank, string Machine, int Process, long Start);
}
