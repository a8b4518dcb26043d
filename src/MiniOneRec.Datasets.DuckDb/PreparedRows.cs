using System.Data.Common;
using System.Runtime.CompilerServices;
using DuckDB.NET.Data;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Streams the rows of a query, in its order, from a session of its own.</summary>
internal sealed class RowStream : IDisposable
{
    private readonly DuckDbSession _session;
    private readonly DuckDbSourceOptions _options;
    private readonly DuckDBCommand _command;
    private readonly Dictionary<string, int> _places;

    public RowStream(DuckDbSourceOptions options, string sql)
    {
        _options = options;
        _session = new DuckDbSession(options, onDisk: false) { Subject = "The prepared folder" };
        _places = _session.Describe($"({sql}) AS rows", default).Index()
            .ToDictionary(pair => pair.Item.Name, pair => pair.Index, StringComparer.Ordinal);
        _command = _session.Connection.CreateCommand();
        _command.CommandText = sql;
        _command.UseStreamingMode = true;
    }

    /// <summary>The place of a column, or −1.</summary>
    public int Place(string column) => _places.GetValueOrDefault(column, -1);

    public bool Has(string column) => _places.ContainsKey(column);

    /// <summary>Gives the reader once per row; the work is synchronous, so that every 10,000 rows the caller's thread is set
    /// free.</summary>
    public async IAsyncEnumerable<DbDataReader> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int Together = 10_000;
        using var reader = Guarded(_command.ExecuteReader);
        for (long count = 1; Guarded(reader.Read); count++)
        {
            if (count % Together == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
            }

            yield return reader;
        }
    }

    public void Dispose()
    {
        _command.Dispose();
        _session.Dispose();
    }

    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DuckDBException e)
        {
            throw DuckDbErrors.Translate(e, _session.Subject, _options);
        }
    }
}

/// <summary>Writes the queries of rows and reads their results.</summary>
internal static class PreparedRows
{
    public static readonly string[] Names = ["train", "valid", "test"];

    public static string Given(string files, string part) =>
        $"SELECT user_id, history, item_id FROM {files} WHERE part = '{part}' ORDER BY seq";

    public static string ByTime(string files, string part, int maxHistory) =>
        $"""
        SELECT * EXCLUDE (user_no, position)
        FROM (
          SELECT *, list(item_id) OVER earlier AS history, list(timestamp) OVER earlier AS history_times
          FROM {files}
          WINDOW earlier AS (PARTITION BY user_no ORDER BY position ROWS BETWEEN {maxHistory} PRECEDING AND 1 PRECEDING)
        ) AS rows
        WHERE part = '{part}' AND position > 0
        ORDER BY timestamp, user_no, position
        """;

    public static NextItemExample Read(DbDataReader row, RowStream stream)
    {
        int time = stream.Place("timestamp"), type = stream.Place("event_type"), weight = stream.Place("weight"),
            history = stream.Place("history"), times = stream.Place("history_times");
        return new NextItemExample(
            row.GetString(stream.Place("user_id")), row.IsDBNull(history) ? [] : [.. row.GetFieldValue<List<string>>(history)],
            row.GetString(stream.Place("item_id")))
        {
            Timestamp = time < 0 ? null : row.GetInt64(time),
            HistoryTimestamps = times < 0 || row.IsDBNull(times) ? null : row.GetFieldValue<List<long>>(times),
            EventType = type < 0 ? null : row.IsDBNull(type) ? "" : row.GetString(type),
            Weight = weight < 0 || row.IsDBNull(weight) ? null : row.GetDouble(weight),
        };
    }
}

/// <summary>Collects the rows of one user.</summary>
internal sealed class UserRows(RowStream stream)
{
    private readonly int _no = stream.Place("user_no"), _user = stream.Place("user_id"), _item = stream.Place("item_id"),
        _part = stream.Place("part");
    private readonly int _time = stream.Place("timestamp"), _type = stream.Place("event_type"), _weight = stream.Place("weight");
    private int _current = -1;
    private string _name = "";
    private List<string> _items = [], _types = [], _parts = [];
    private List<long> _times = [];
    private List<double?> _weights = [];

    /// <summary>Gives the user that ends before a row, or nothing.</summary>
    public (UserSequence Sequence, List<string> Parts)? Ends(DbDataReader row) => row.GetInt32(_no) == _current ? null : Take();

    public void Add(DbDataReader row)
    {
        if (_items.Count == 0)
        {
            (_current, _name) = (row.GetInt32(_no), row.GetString(_user));
        }

        _items.Add(row.GetString(_item));
        _parts.Add(string.Intern(row.GetString(_part)));
        if (_time >= 0)
        {
            _times.Add(row.GetInt64(_time));
        }

        if (_type >= 0)
        {
            _types.Add(row.IsDBNull(_type) ? "" : row.GetString(_type));
        }

        if (_weight >= 0)
        {
            _weights.Add(row.IsDBNull(_weight) ? null : row.GetDouble(_weight));
        }
    }

    /// <summary>Gives the user so far, or nothing; a weight that is missing leaves the sequence without weights.</summary>
    public (UserSequence Sequence, List<string> Parts)? Take()
    {
        if (_items.Count == 0)
        {
            return null;
        }

        var done = (new UserSequence(_name, _items)
        {
            Timestamps = _time < 0 ? null : _times,
            EventTypes = _type < 0 ? null : _types,
            Weights = _weight < 0 || _weights.Contains(null) ? null : _weights.ConvertAll(weight => weight!.Value),
        }, _parts);
        (_items, _types, _parts, _times, _weights) = ([], [], [], [], []);
        return done;
    }
}
