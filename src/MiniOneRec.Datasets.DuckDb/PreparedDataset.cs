using System.Runtime.CompilerServices;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>The parts of a split data set.</summary>
public enum DatasetPart
{
    /// <summary>The training part.</summary>
    Train,

    /// <summary>The validation part.</summary>
    Validation,

    /// <summary>The test part.</summary>
    Test,
}

/// <summary>A prepared folder, from which sequences, rows and items are streamed.</summary>
/// <remarks>
/// <c>sequences/part-*.parquet</c> has an interaction per row, ordered by <c>user_no</c> and <c>position</c>, with <c>user_id</c>,
/// <c>item_id</c>, <c>part</c> (<c>train</c>, <c>valid</c>, <c>test</c>) and, where the log has them, <c>timestamp</c> (Unix seconds),
/// <c>event_type</c> and <c>weight</c>. <c>items.parquet</c> has the catalogue; <c>categories</c> and <c>attributes</c> are JSON.
/// Enumerations are independent and may run at the same time.
/// </remarks>
public sealed class PreparedDataset
{
    private readonly string _folder;
    private readonly bool _isRows;
    private readonly DuckDbSourceOptions _options;

    private PreparedDataset(string folder, ArtifactManifest manifest, DuckDbSourceOptions options)
    {
        (_folder, _options) = (folder, options);
        (Report, _isRows, MaxHistory) = PreparedFolder.Read(manifest, Path.Combine(folder, PreparedFolder.ManifestFile));
    }

    /// <summary>Gets the report of the preparation.</summary>
    public PreparationReport Report { get; }

    /// <summary>Gets the longest history of a row.</summary>
    public int MaxHistory { get; }

    private string Files =>
        $"read_parquet({Sql.Text(Path.Combine(_folder, _isRows ? PreparedFolder.Rows : PreparedFolder.Sequences, "*.parquet"))})";

    /// <summary>Opens a folder that <see cref="DuckDbInteractionSource.SaveAsync"/> wrote, after a check of its files.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">Memory, threads and folder for working files, or <see langword="null"/> for the defaults; files are not looked
    /// at.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">The folder is of another kind or version, or a file was changed or is damaged; the message
    /// names it.</exception>
    public static Task<PreparedDataset> LoadAsync(string folder, DuckDbSourceOptions? options = null,
        CancellationToken cancellationToken = default) =>
        ArtifactFolder.LoadAsync(
            folder, PreparedFolder.ManifestFile, PreparedFolder.Kind,
            (manifest, path) => Task.FromResult(new PreparedDataset(path, manifest, options ?? new())), cancellationToken);

    /// <summary>Streams the catalogue, in the order in which the sequences name the items.</summary>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async IAsyncEnumerable<Item> ReadItemsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var stream = new RowStream(_options,
            $"SELECT * FROM read_parquet({Sql.Text(Path.Combine(_folder, PreparedFolder.ItemsFile))})");
        bool texts = stream.Has("description");
        await foreach (var row in stream.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return new Item
            {
                Id = row.GetString(0),
                Title = row.GetString(1),
                Description = texts && !row.IsDBNull(2) ? row.GetString(2) : null,
                Brand = texts && !row.IsDBNull(3) ? row.GetString(3) : null,
                Categories = ItemJson.ReadCategories(texts && !row.IsDBNull(4) ? row.GetString(4) : null),
                Attributes = ItemJson.ReadAttributes(texts && !row.IsDBNull(5) ? row.GetString(5) : null),
            };
        }
    }

    /// <summary>Streams each user's training interactions, users in their order.</summary>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>One sequence per user that has training interactions. Rows of given histories are put together, which holds the training
    /// part in memory.</returns>
    public async IAsyncEnumerable<UserSequence> ReadTrainSequencesAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (_isRows)
        {
            var train = await ReadRowsAsync(DatasetPart.Train, cancellationToken).ToListAsync(cancellationToken).ConfigureAwait(false);
            foreach (var sequence in SequenceRebuilder.Rebuild(train, Window(train)))
            {
                yield return sequence;
            }

            yield break;
        }

        await foreach (var (sequence, parts) in ReadUsersAsync(cancellationToken).ConfigureAwait(false))
        {
            if (TrainLength(parts) is > 0 and var length)
            {
                yield return length == parts.Count ? sequence : sequence.Prefix(length);
            }
        }
    }

    /// <summary>Streams the rows of a part: user by user; with a split by time in the order of time; with given histories as in the
    /// files.</summary>
    /// <param name="part">The part.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async IAsyncEnumerable<NextItemExample> ReadRowsAsync(DatasetPart part,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string name = PreparedRows.Names[(int)part];
        if (_isRows || Report.Split == "time")
        {
            using var stream =
                new RowStream(_options, _isRows ? PreparedRows.Given(Files, name) : PreparedRows.ByTime(Files, name, MaxHistory));
            await foreach (var row in stream.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return PreparedRows.Read(row, stream);
            }

            yield break;
        }

        await foreach (var (sequence, parts) in ReadUsersAsync(cancellationToken).ConfigureAwait(false))
        {
            for (int position = 1; position < parts.Count; position++)
            {
                if (parts[position] == name)
                {
                    yield return SlidingWindow.At(sequence, position, MaxHistory);
                }
            }
        }
    }

    /// <summary>Reads everything into memory.</summary>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async Task<SplitDataset> ToSplitDatasetAsync(CancellationToken cancellationToken = default)
    {
        var items = await ReadItemsAsync(cancellationToken).ToListAsync(cancellationToken).ConfigureAwait(false);
        List<UserSequence> sequences = [];
        List<NextItemExample>[] rows = [[], [], []];
        if (_isRows)
        {
            sequences = await ReadTrainSequencesAsync(cancellationToken).ToListAsync(cancellationToken).ConfigureAwait(false);
            foreach (var part in Enum.GetValues<DatasetPart>())
            {
                rows[(int)part] = await ReadRowsAsync(part, cancellationToken).ToListAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        else
        {
            await foreach (var (sequence, parts) in ReadUsersAsync(cancellationToken).ConfigureAwait(false))
            {
                if (TrainLength(parts) is > 0 and var length)
                {
                    sequences.Add(length == parts.Count ? sequence : sequence.Prefix(length));
                }

                for (int position = 1; position < parts.Count; position++)
                {
                    rows[Array.IndexOf(PreparedRows.Names, parts[position])].Add(SlidingWindow.At(sequence, position, MaxHistory));
                }
            }

            if (Report.Split == "time")
            {
                rows = Array.ConvertAll(rows, part => part.OrderBy(row => row.Timestamp).ToList());       // stable
            }
        }

        return new SplitDataset
        {
            Name = Report.Name,
            Split = Report.Split,
            Items = items,
            TrainSequences = sequences,
            Train = rows[0],
            Validation = rows[1],
            Test = rows[2],
            SkippedHistoryItems = Report.Steps.Where(step => step.Name == "items").Sum(step => step.Before - step.After),
        };
    }

    /// <summary>Streams each user's interactions of all parts, users in their order, not divided.</summary>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidOperationException">The folder holds rows of given histories.</exception>
    public IAsyncEnumerable<UserSequence> ReadSequencesAsync(CancellationToken cancellationToken = default) => !_isRows
        ? ReadUsersAsync(cancellationToken).Select(user => user.Sequence)
        : throw new InvalidOperationException(
            $"Folder '{_folder}' holds rows of histories; call {nameof(ReadRowsAsync)} or {nameof(ReadTrainSequencesAsync)}.");

    /// <summary>Writes the data set as RecBole's atomic files, see <see cref="RecBoleWriter"/>.</summary>
    /// <param name="folder">The folder, which is made where it is missing.</param>
    /// <param name="name">The first part of the files' names, or <see langword="null"/> for the data set's.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    /// <exception cref="ArgumentException">An id is empty or holds a space, tab or line break, which the format cannot hold.</exception>
    public Task ExportRecBoleAsync(string folder, string? name = null, CancellationToken cancellationToken = default) =>
        RecBoleWriter.WriteAsync(
        folder,
        name ?? Report.Name,
        ReadItemsAsync(cancellationToken),
        ReadRowsAsync(DatasetPart.Train, cancellationToken),
        ReadRowsAsync(DatasetPart.Validation, cancellationToken),
        ReadRowsAsync(DatasetPart.Test, cancellationToken),
        cancellationToken);

    private static int Window(List<NextItemExample> rows) =>
        Math.Max(SlidingWindow.DefaultMaxHistory, rows.Select(row => row.History.Count).DefaultIfEmpty().Max());

    private static int TrainLength(List<string> parts)
    {
        int length = 0;
        while (length < parts.Count && parts[length] == PreparedRows.Names[0])
        {
            length++;
        }

        return length;
    }

    private async IAsyncEnumerable<(UserSequence Sequence,
        List<string> Parts)> ReadUsersAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stream = new RowStream(_options, $"SELECT * FROM {Files}");
        var user = new UserRows(stream);
        await foreach (var row in stream.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (user.Ends(row) is { } done)
            {
                yield return done;
            }

            user.Add(row);
        }

        if (user.Take() is { } last)
        {
            yield return last;
        }
    }
}
