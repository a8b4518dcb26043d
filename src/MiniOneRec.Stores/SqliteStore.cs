using Microsoft.Data.Sqlite;

namespace MiniOneRec.Stores;

/// <summary>Keeps histories, items and the parts of models in one SQLite file, with a write-ahead log.</summary>
/// <remarks>
/// Readers do not wait for writers. Writes of one process run one after the other; those of several processes wait for each other up to
/// <see cref="SqliteStoreOptions.BusyMilliseconds"/>. Use another store where replicas run on several machines: SQLite needs a local disk.
/// </remarks>
public sealed partial class SqliteStore : IHistoryStore, IItemStore, IModelPartStore, IDisposable
{
    private const string Schema = """
        CREATE TABLE IF NOT EXISTS events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL, item_id TEXT NOT NULL, event_id TEXT UNIQUE, event_type TEXT,
            time_ms INTEGER NOT NULL, weight REAL, recommendation_id TEXT);
        CREATE INDEX IF NOT EXISTS events_of_user ON events (user_id, time_ms, seq);
        CREATE TABLE IF NOT EXISTS batches (
            key TEXT PRIMARY KEY, hash TEXT NOT NULL, accepted INTEGER NOT NULL, duplicates INTEGER NOT NULL,
                time_ms INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS batches_by_time ON batches (time_ms);
        CREATE TABLE IF NOT EXISTS items (id TEXT PRIMARY KEY, revision INTEGER NOT NULL UNIQUE, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS model_parts (deployment TEXT PRIMARY KEY, revision INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
        """;

    private readonly string _connection;
    private readonly SqliteStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private SqliteConnection? _writer;

    /// <summary>Makes a store; the file is opened by <see cref="InitializeAsync"/>.</summary>
    /// <param name="options">The options; copied.</param>
    /// <param name="time">The clock by which keys of batches grow old.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public SqliteStore(SqliteStoreOptions? options = null, TimeProvider? time = null)
    {
        var valid = OptionsValidation.Validated(options ?? new SqliteStoreOptions(), new SqliteStoreOptionsValidator());
        _options = new SqliteStoreOptions { Path = valid.Path, Durability = valid.Durability, BusyMilliseconds = valid.BusyMilliseconds };
        _time = time ?? TimeProvider.System;
        _connection = new SqliteConnectionStringBuilder { DataSource = _options.Path, Pooling = true }.ToString();
    }

    /// <inheritdoc cref="IHistoryStore.InitializeAsync"/>
    /// <exception cref="IOException">The file cannot be opened or is no database of this library; the message names it.</exception>
    public async Task InitializeAsync(CancellationToken cancellationToken = default)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _writer ??= await Task.Run(OpenWriter, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _writer?.Dispose();
        _writer = null;
        using var any = new SqliteConnection(_connection);
        SqliteConnection.ClearPool(any);
        _writing.Dispose();
    }

    private SqliteConnection OpenWriter()
    {
        if (Path.GetDirectoryName(Path.GetFullPath(_options.Path)) is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
        }

        SqliteConnection? connection = null;
        try
        {
            connection = Open();
            Execute(connection, "PRAGMA journal_mode = WAL");
            Execute(connection, Schema);
            return connection;
        }
        catch (SqliteException e)
        {
            connection?.Dispose();
            throw new IOException($"'{Path.GetFullPath(_options.Path)}' cannot be used as a store: {e.Message}", e);
        }
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connection);
        connection.Open();
        Execute(connection, $"PRAGMA busy_timeout = {_options.BusyMilliseconds}");
        Execute(connection, $"PRAGMA synchronous = {(_options.Durability == SqliteDurability.Full ? "FULL" : "NORMAL")}");
        return connection;
    }

    /// <summary>Runs a write in a transaction of its own.</summary>
    private async Task<T> WriteAsync<T>(Func<SqliteConnection, SqliteTransaction, T> write, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var writer = _writer ?? throw new InvalidOperationException($"The store is not open; call {nameof(InitializeAsync)} first.");
            return await Task.Run(
                () =>
                {
                    using var transaction = writer.BeginTransaction(deferred: false);
                    var result = write(writer, transaction);
                    transaction.Commit();
                    return result;
                },
                CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    private Task<T> ReadAsync<T>(Func<SqliteConnection, T> read, CancellationToken cancellationToken)
    {
        if (_writer is null)
        {
            throw new InvalidOperationException($"The store is not open; call {nameof(InitializeAsync)} first.");
        }

        return Task.Run(
            () =>
            {
                using var connection = Open();
                return read(connection);
            },
            cancellationToken);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The texts are constants of this class.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static SqliteCommand Command(SqliteConnection connection, SqliteTransaction? transaction, string sql,
        params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // The texts are constants of this class; values are parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in values)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }
}
