using System.Globalization;
using DuckDB.NET.Data;

namespace MiniOneRec.Cli.Output;

/// <summary>Collects rows on the disk and writes them as one Parquet file.</summary>
internal sealed class ParquetTable : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-").FullName;
    private readonly DuckDBConnection _connection;
    private DuckDBAppender? _appender;

    /// <summary>Makes an empty table.</summary>
    /// <param name="columns">Names and DuckDB's types of the columns.</param>
    public ParquetTable(IEnumerable<(string Name, string Type)> columns)
    {
        _connection = new DuckDBConnection($"DataSource={Path.Combine(_folder, "rows.duckdb")}");
        _connection.Open();
        Execute($"CREATE TABLE rows ({string.Join(", ", columns.Select(column => $"\"{column.Name}\" {column.Type}"))})");
        _appender = _connection.CreateAppender("rows");
    }

    /// <summary>Adds a row.</summary>
    /// <param name="values">A text, an <see cref="int"/>, a <see cref="long"/> or a <see cref="double"/> for each column.</param>
    public void Add(params ReadOnlySpan<object?> values)
    {
        var row = _appender!.CreateRow();
        foreach (object? value in values)
        {
            row = value switch
            {
                null => row.AppendNullValue(),
                int number => row.AppendValue(number),
                long number => row.AppendValue(number),
                double number => row.AppendValue(number),
                _ => row.AppendValue(Convert.ToString(value, CultureInfo.InvariantCulture)),
            };
        }

        row.EndRow();
    }

    /// <summary>Writes the rows, which ends the table.</summary>
    /// <param name="path">The file, made or replaced as a whole.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    /// <exception cref="IOException">The disk is full or the like.</exception>
    public async Task SaveAsync(string path, CancellationToken cancellationToken)
    {
        string made = Path.Combine(_folder, "rows.parquet");
        try
        {
            _appender?.Dispose();
            _appender = null;
            Execute($"COPY rows TO '{made.Replace("'", "''", StringComparison.Ordinal)}' (FORMAT parquet, COMPRESSION zstd)");
        }
        catch (DuckDBException e)
        {
            throw new IOException($"'{path}' could not be written: {e.Message}", e);
        }

        await AtomicFile.WriteAsync(path, async stream =>
        {
            await using var rows = File.OpenRead(made);
            await rows.CopyToAsync(stream, cancellationToken);
        }, cancellationToken);
    }

    public void Dispose()
    {
        _appender?.Dispose();
        _connection.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
