using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace MiniOneRec.Cli.Processes;

/// <summary>Reads a file of machines in the form of Open MPI (<c>NAME slots=N</c>) or MPICH (<c>NAME:N</c>).</summary>
internal static partial class HostFile
{
    /// <summary>Reads the machines and checks that they are known and have room.</summary>
    /// <param name="path">The file.</param>
    /// <param name="processes">The number of processes.</param>
    /// <returns>The machines with their slots, in order.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A line is no machine, or names one that cannot be found.</exception>
    /// <exception cref="ArgumentException">The machines have fewer slots than there are processes.</exception>
    public static async Task<IReadOnlyList<(string Host, int Slots)>> ReadAsync(
        string path, int processes, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"--hostfile: there is no file '{path}'.", path);
        }

        var hosts = new List<(string Host, int Slots)>();
        foreach (var (number, line) in (await File.ReadAllLinesAsync(path, cancellationToken)).Index())
        {
            string text = line.Split('#')[0].Trim();
            if (text.Length == 0)
            {
                continue;
            }

            var match = Form().Match(text);
            int slots = match.Groups["slots"] is { Success: true } given
                && int.TryParse(given.Value, CultureInfo.InvariantCulture, out int count) ? count : 1;
            if (!match.Success || slots < 1)
            {
                throw new InvalidDataException(
                    $"--hostfile '{path}', line {number + 1}: '{text}' is no machine; expected 'NAME slots=N' or 'NAME:N'.");
            }

            string host = match.Groups["host"].Value;
            await RequireKnownAsync(host, $"--hostfile '{path}', line {number + 1}", cancellationToken);
            hosts.Add((host, slots));
        }

        int room = hosts.Sum(host => host.Slots);
        return room >= processes ? hosts
            : throw new ArgumentException($"--processes {processes} needs as many slots, and --hostfile '{path}' has {room}"
                + $"{(room == 0 ? "" : $" ({string.Join(", ", hosts.Select(host => $"{host.Host} {host.Slots}"))})")}.");
    }

    private static async Task RequireKnownAsync(string host, string where, CancellationToken cancellationToken)
    {
        try
        {
            await Dns.GetHostAddressesAsync(host, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new InvalidDataException($"{where}: the host '{host}' is not known ({e.Message}).", e);
        }
    }

    [GeneratedRegex(@"^(?<host>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\s*:\s*(?<slots>[0-9]+)|(?:\s+slots\s*=\s*(?<slots>[0-9]+))?"
        + @"(?:\s+max[-_]slots\s*=\s*[0-9]+)?)$")]
    private static partial Regex Form();
}
