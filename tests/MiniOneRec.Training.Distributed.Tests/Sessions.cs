namespace MiniOneRec.Training.Distributed.Tests;

/// <summary>What the worker's processes did. A start of processes takes seconds, so that those of two and of three do all of their work in
/// one session; every test asks for its own part.</summary>
public sealed class Sessions : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-mpi-").FullName;
    private readonly Lazy<Session> _two, _three, _killed, _killedFirst;

    public Sessions()
    {
        _killed = Session.Lazily(3, true, ["kill", In("killed"), "Gradients", "2", "21"]);
        _killedFirst = Session.Lazily(2, true, ["kill", In("killed-first"), "Weights", "0", "21"]);
        _three = Session.Lazily(3, false, ["collectives"], ["sft", "some"], ["policy"], ["save", In("saved"), "Weights"]);
        _two = new Lazy<Session>(() =>
        {
            // Those that are continued here come first.
            _ = _three.Value;
            string[][] commands = [["collectives"], ["sft", "all"], ["policy"], ["refuse"], ["resume", In("saved"), "Weights"]];
            if (Mpi.IsOpenMpi)
            {
                _ = (_killed.Value, _killedFirst.Value);
                commands = [.. commands, ["resume", In("killed-first"), "Weights"], ["resume-alone", In("killed")]];
            }

            return Session.Lazily(2, false, commands).Value;
        });
    }

    /// <summary>Gets the session of two processes.</summary>
    internal Session Two => _two.Value;

    /// <summary>Gets the session of three processes.</summary>
    internal Session Three => _three.Value;

    /// <summary>Gets the session whose last process of three is killed.</summary>
    internal Session Killed => _killed.Value;

    /// <summary>Gets the session whose first process of two is killed.</summary>
    internal Session KilledFirst => _killedFirst.Value;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    /// <summary>Commands that several processes did one after the other.</summary>
    internal sealed class Session(int processes, int code, string output)
    {
        /// <summary>Makes a session that is started when it is asked for.</summary>
        /// <param name="processes">The number of processes.</param>
        /// <param name="loses">Whether a process is to fail and the others go on.</param>
        /// <param name="commands">The worker's commands.</param>
        public static Lazy<Session> Lazily(int processes, bool loses, params string[][] commands)
        {
            string[] all = [.. commands.SelectMany((command, i) => i == 0 ? command : ["then", .. command])];
            return new(() =>
            {
                var (code, output) = loses ? (0, Mpi.RunSome(processes, all)) : Mpi.Run(processes, all);
                return new Session(processes, code, output);
            });
        }

        /// <summary>Requires that all processes did all of their commands and ended without an error.</summary>
        public void RequireEnd() => Assert.True(code == 0 && Enumerable.Range(0, processes).All(
            rank => output.Contains($"rank {rank}: done", StringComparison.Ordinal)), output);

        /// <summary>Requires that every process did a command, and that all it checks held.</summary>
        /// <param name="command">What the command begins with.</param>
        /// <param name="end">What it ends with.</param>
        public void RequireDone(string command, string end = "") =>
            Assert.All(Enumerable.Range(0, processes), rank => RequireDone(command, end, rank));

        /// <summary>Requires that every process but one did a command.</summary>
        public void RequireDoneBut(string command, int victim)
        {
            Assert.All(Enumerable.Range(0, processes).Where(rank => rank != victim), rank => RequireDone(command, "", rank));
            Assert.DoesNotContain($"rank {victim}: '{command}", output, StringComparison.Ordinal);
        }

        private void RequireDone(string command, string end, int rank) => Assert.True(
            output.Split('\n').Any(line => line.Contains($"rank {rank}: '{command}", StringComparison.Ordinal)
                && line.Contains($"{end}' done in ", StringComparison.Ordinal)), output);
    }
}

/// <summary>The tests that share the sessions.</summary>
[CollectionDefinition(Name)]
public sealed class SharedSessions : ICollectionFixture<Sessions>
{
    public const string Name = "sessions";
}
