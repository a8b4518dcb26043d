using System.Diagnostics;
using Npgsql;

namespace MiniOneRec.Stores.Tests;

/// <summary>PostgreSQL, with a database for each caller.</summary>
public sealed class PostgreSqlServer : ServerProcess
{
    private int _databases;

    protected override string Package => "postgresql";

    private string Server => $"Host=127.0.0.1;Port={Port};Username=minionerec;Pooling=true;Maximum Pool Size=20";

    /// <summary>Makes an empty database and returns its connection.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        string name = $"test{Interlocked.Increment(ref _databases)}";
        await using var source = NpgsqlDataSource.Create(Server + ";Database=postgres");
        await using var command = source.CreateCommand($"CREATE DATABASE {name}");
        await command.ExecuteNonQueryAsync();
        return $"{Server};Database={name}";
    }

    protected override string? FindProgram() => Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin",
            "postgres")).LastOrDefault(File.Exists)
        : null;

    protected override async Task<Process> StartAsync(string program)
    {
        string data = Path.Combine(Folder, "data"), bin = Path.GetDirectoryName(program)!;

        // PostgreSQL does not run as root.
        string[] before = Environment.UserName == "root" ? ["runuser", "-u", "postgres", "--"] : [];
        if (before.Length > 0)
        {
            using var owner = Run("chown", "postgres", Folder);
            await owner.WaitForExitAsync();
        }

        using (var init = Launch([.. before, Path.Combine(bin, "initdb"), "-D", data, "-U", "minionerec", "-A", "trust", "-E", "UTF8",
            "--locale=C", "--no-sync"]))
        {
            await init.WaitForExitAsync();
            Assert.Equal(0, init.ExitCode);
        }

        return Launch([.. before, program, "-D", data, "-p", $"{Port}", "-k", Folder, "-c", "listen_addresses=127.0.0.1", "-c",
            "fsync=off"]);

        static Process Launch(string[] line) => Run(line[0], line[1..]);
    }

    protected override async Task<bool> AnswersAsync()
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(Server + ";Database=postgres;Timeout=2");
            await using var connection = await source.OpenConnectionAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }
}
