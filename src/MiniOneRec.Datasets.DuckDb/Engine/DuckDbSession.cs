using System.Data.Common;
using System.Globalization;
using DuckDB.NET.Data;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>A working database in a folder of its own, which is gone when the session is disposed.</summary>
internal sealed class DuckDbSession : IDisposable
{
    private readonly string _folder;
    private readonly DuckDBConnection _connection;
    private readonly DuckDbSourceOptions _options;

    /// <summary>Opens a database.</summary>
    /// <param name="options">Memory, threads and the folder.</param>
    /// <param name="onDisk">Whether tables are to be kept on the disk; otherwise only what does not fit in memory is.</param>
    public DuckDbSession(DuckDbSourceOptions options, bool onDisk = true)
    {
        _options = options;
        string parent = options.TempDirectory ?? Path.GetTempPath();
        try
        {
            _folder = Path.Combine(parent, "minionerec-" + Guid.NewGuid().ToString("N"));
            Directory.CreateDirectory(_folder);
            _connection = new DuckDBConnection($"DataSource={(onDisk ? Path.Combine(_folder, "work.duckdb") : ":memory:")}");
            _connection.Open();
        }
        catch (Exception e) when (e is DuckDBException or UnauthorizedAccessException or IOException)
        {
            throw new IOException(
                $"The working folder below '{parent}' cannot be used ({DuckDbErrors.FirstLine(e.Message)}); "
                + "set TempDirectory to a folder that can be written.", e);
        }

        // Nothing is fetched from the network, and times without a zone are UTC.
        string size = options.MaxTempSize is { } most ? $"SET max_temp_directory_size = {Sql.Text(most)};" : "";
        try
        {
            Execute(string.Create(CultureInfo.InvariantCulture, $"""
                SET autoinstall_known_extensions = false;
                SET autoload_known_extensions = false;
                SET TimeZone = 'UTC';
                SET memory_limit = {Sql.Text(options.MemoryLimit)};
                SET threads = {options.Threads ?? Environment.ProcessorCount};
                SET temp_directory = {Sql.Text(Path.Combine(_folder, "spill"))};
                {size}
                """));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Gets the folder of the working files.</summary>
    public string Folder => _folder;

    /// <summary>Gets or sets what is being read, for messages.</summary>
    public string Subject { get; set; } = "the log";

    /// <summary>Gets the connection, for appenders.</summary>
    public DuckDBConnection Connection => _connection;

    /// <summary>Runs a statement.</summary>
    public void Execute(string sql, CancellationToken cancellationToken = default) =>
        Run(sql, command => command.ExecuteNonQuery(), cancellationToken);

    /// <summary>Gets the one value of a query, or <see langword="null"/>.</summary>
    public object? Scalar(string sql, CancellationToken cancellationToken = default) =>
        Run(sql, command => command.ExecuteScalar(), cancellationToken) is { } value and not DBNull ? value : null;

    /// <summary>Gets the one integer of a query; an empty sum is 0.</summary>
    public long Count(string sql, CancellationToken cancellationToken = default) =>
        Scalar(sql, cancellationToken) is { } value ? Convert.ToInt64(value, CultureInfo.InvariantCulture) : 0;

    /// <summary>Gets the rows of a query in memory; for small results.</summary>
    public List<T> Rows<T>(string sql, Func<DbDataReader, T> row, CancellationToken cancellationToken = default) => Run(
        sql,
        command =>
        {
            using var reader = command.ExecuteReader();
            var rows = new List<T>();
            while (reader.Read())
            {
                rows.Add(row(reader));
            }

            return rows;
        },
        cancellationToken);

    /// <summary>Gets names and types of a relation's columns.</summary>
    public IReadOnlyList<TableColumn> Describe(string relation, CancellationToken cancellationToken) =>
        Rows($"DESCRIBE SELECT * FROM {relation}", reader => new TableColumn(reader.GetString(0), reader.GetString(1)), cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _connection.Dispose();
        Leave(_folder);
    }

    private static void Leave(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The system's folder for temporary files is emptied by the system.
        }
    }

    private T Run<T>(string sql, Func<DuckDBCommand, T> run, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        using var registration = cancellationToken.Register(command.Cancel);
        try
        {
            return run(command);
        }
        catch (Exception e) when (cancellationToken.IsCancellationRequested && e is not OperationCanceledException)
        {
            throw new OperationCanceledException("The preparation was stopped.", e, cancellationToken);
        }
        catch (DuckDBException e)
        {
            throw DuckDbErrors.Translate(e, Subject, _options);
        }
    }
}

/// <summary>A column of a relation.</summary>
/// <param name="Name">The name.</param>
/// <param name="Type">DuckDB's name of the type.</param>
internal readonly record struct TableColumn(string Name, string Type)
{
    /// <summary>Gets whether a row holds a list.</summary>
    public bool IsList => Type.EndsWith("[]", StringComparison.Ordinal);

    /// <summary>Gets the type of a value, without the list.</summary>
    public string ElementType => IsList ? Type[..^2] : Type;
}
