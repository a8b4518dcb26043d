namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Decides how a log is read: its layout, its files, its columns.</summary>
internal sealed partial class LogPlanner(DuckDbSession session, DuckDbSourceOptions options, Action<string> say,
    CancellationToken cancellationToken)
{
    private const string Attached = "source";

    /// <summary>Makes the plan.</summary>
    /// <param name="split">The split, which decides whether the parts of divided files are kept.</param>
    public async Task<LogPlan> PlanAsync(PreparationSplit split)
    {
        var database = options.Inputs.Count == 1 && File.Exists(options.Inputs[0])
            && InputFiles.KindOf(options.Inputs[0]) == FileKind.Database ? options.Inputs[0] : null;
        if (options.Query is not null || database is not null)
        {
            return Database(database);
        }

        var files = InputFiles.Find(options.Inputs, nameof(options.Inputs));
        var format = options.Format == InteractionFormat.Auto ? Guess(files) : options.Format;
        if (options.Format == InteractionFormat.Auto && format != InteractionFormat.Table)
        {
            say($"'{files[0]}' looks like {format}; set Format to read it in another way.");
        }

        session.Subject = files.Count == 1 ? $"File '{files[0]}'" : $"One of {files.Count} files, the first of them '{files[0]}',";
        var parts = Parts(files, format);
        if (split != PreparationSplit.Given && format == InteractionFormat.RecBole)
        {
            parts = [([.. parts.SelectMany(part => part.Files)], null)];      // a user's rows of all files are put together
        }

        var relations = new List<LogRelation>();
        foreach (var (partFiles, part) in parts)
        {
            relations.AddRange(await ReadAsync(partFiles, part, format, split).ConfigureAwait(false));
        }

        if (split == PreparationSplit.Given && relations.All(relation => relation.Part is null))
        {
            throw new ArgumentException(
                "Split is Given, but no parts were found; set ValidationInputs and TestInputs, "
                + "or name RecBole's files NAME.train.inter and so on.");
        }

        if (split != PreparationSplit.Given)
        {
            relations = relations.ConvertAll(relation => relation with { Part = null });
        }

        bool rows = format == InteractionFormat.RecBole && split == PreparationSplit.Given
            && relations[0].Columns.Any(column => column.Name == "item_id_list");
        return new LogPlan
        {
            Name = Path.GetFileName(files[0]).Split('.')[0],
            Format = format,
            Subject = session.Subject,
            Relations = relations,
            Columns = Columns(relations[0].Columns, format, $"'{files[0]}'"),
            TimeUnit = options.TimeUnit != TimeUnit.Auto ? options.TimeUnit
                : format is InteractionFormat.Yambda or InteractionFormat.RecBole or InteractionFormat.MovieLens
                or InteractionFormat.Amazon2018
                    or InteractionFormat.Amazon2018Ratings or InteractionFormat.Steam ? TimeUnit.Seconds
                : format == InteractionFormat.Amazon2023 ? TimeUnit.Milliseconds : TimeUnit.Auto,
            IsRows = rows,
            Packed = [.. parts.SelectMany(part => part.Files).Where(file => file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))],
        };
    }

    private LogPlan Database(string? path)
    {
        if (path is not null)
        {
            session.Subject = $"Database '{path}'";
            session.Execute($"ATTACH {Sql.Text(path)} AS {Attached} (READ_ONLY)", cancellationToken);
        }

        string? relation = options.Query is { } query ? $"({query.Trim().TrimEnd(';')})" : null;
        if (relation is null)
        {
            var tables = session.Rows($"SELECT table_name FROM information_schema.tables WHERE table_catalog = '{Attached}' ORDER BY 1",
                reader => reader.GetString(0));
            string table = options.Table ?? (tables.Count == 1 ? tables[0]
                : throw new InvalidDataException(
                    $"Database '{path}' has {tables.Count} tables ({string.Join(", ", tables)}); set Table or Query."));
            relation = tables.Contains(table, StringComparer.OrdinalIgnoreCase) ? $"{Attached}.{Sql.Name(table)}"
                : throw new InvalidDataException(
                    $"Database '{path}' has no table '{table}' (Table); did you mean '{ColumnNames.Nearest(table, tables)}'? It "
                    + $"has {string.Join(", ", tables)}.");
        }
        else if (path is not null)
        {
            session.Execute($"SET search_path = 'work.main,{Attached}.main'", cancellationToken);
        }

        var columns = session.Describe(relation, cancellationToken);
        return new LogPlan
        {
            Name = path is null ? "query" : Path.GetFileName(path).Split('.')[0],
            Format = InteractionFormat.Table,
            Subject = session.Subject,
            Relations = [new LogRelation(relation, columns)],
            Columns = Columns(columns, InteractionFormat.Table, path is null ? "the query" : $"'{path}'"),
            TimeUnit = options.TimeUnit,
        };
    }

    /// <summary>The files of the parts: named by options, or found beside RecBole's training file.</summary>
    private List<(IReadOnlyList<string> Files, int? Part)> Parts(IReadOnlyList<string> files, InteractionFormat format)
    {
        if (options.TestInputs.Count > 0)
        {
            List<(IReadOnlyList<string>, int?)> given = [(files, 0)];
            if (options.ValidationInputs.Count > 0)
            {
                given.Add((InputFiles.Find(options.ValidationInputs, nameof(options.ValidationInputs)), 1));
            }

            given.Add((InputFiles.Find(options.TestInputs, nameof(options.TestInputs)), 2));
            return given;
        }

        if (format != InteractionFormat.RecBole)
        {
            return [(files, null)];
        }

        string[] ends = ["train", "valid", "test"];
        string? train =
            files.FirstOrDefault(file => InputFiles.Unpacked(file).EndsWith(".train.inter", StringComparison.OrdinalIgnoreCase));
        if (train is null)
        {
            return [(files, null)];
        }

        string stem = InputFiles.Unpacked(train)[..^".train.inter".Length];
        var found = new List<(IReadOnlyList<string>, int?)>();
        for (int part = 0; part < ends.Length; part++)
        {
            string path = $"{stem}.{ends[part]}.inter";
            if (Array.Find([path, path + ".gz", path + ".zst"], File.Exists) is { } there)
            {
                found.Add(([there], part));
            }
        }

        say($"The parts are those of the files {string.Join(", ", found.Select(pair => $"'{Path.GetFileName(pair.Item1[0])}'"))}.");
        return found;
    }

    private IReadOnlyDictionary<Role, string> Columns(IReadOnlyList<TableColumn> columns, InteractionFormat format, string subject)
    {
        var found = new Dictionary<Role, string>();
        foreach (var role in Enum.GetValues<Role>())
        {
            string? given = Given(role);
            if (given is { Length: 0 })
            {
                continue;
            }

            if (given is not null)
            {
                found[role] = columns.FirstOrDefault(column => column.Name == given).Name
                    ?? columns.FirstOrDefault(column => ColumnNames.Plain(column.Name) == ColumnNames.Plain(given)).Name
                    ?? throw new InvalidDataException(
                        $"There is no column '{given}' in {subject} (Columns.{role}, --{Lower(role)}); "
                        + $"did you mean '{ColumnNames.Nearest(given, columns.Select(column => column.Name))}'? It has {Names(columns)}.");
            }
            else if (Fixed(format, role) is { } named)
            {
                if (columns.Any(column => column.Name == named))
                {
                    found[role] = named;
                }
            }
            else if (ColumnNames.Guess(role, columns) is { } guess && !found.ContainsValue(guess))
            {
                found[role] = guess;
            }
        }

        foreach (var role in (ReadOnlySpan<Role>)[Role.User, Role.Item])
        {
            if (!found.ContainsKey(role))
            {
                throw new InvalidDataException(
                    $"No column of {(role == Role.User ? "users" : "items")} was found in {subject}; "
                    + $"set Columns.{role} (--{Lower(role)}) to one of {Names(columns)}."
                    + " If these are not the columns of a text file, set Delimiter (--delimiter), "
                    + "or repair rows that have more cells than the first.");
            }
        }

        say($"Columns of {subject}: {string.Join(", ", found.Select(pair => $"{Lower(pair.Key)} = '{pair.Value}'"))}.");
        return found;
    }

    private string? Given(Role role) => role switch
    {
        Role.User => options.Columns.User,
        Role.Item => options.Columns.Item,
        Role.Time => options.Columns.Time,
        Role.Event => options.Columns.Event,
        Role.Rating => options.Columns.Rating,
        _ => options.Columns.Weight,
    };

    private static string Lower(Role role) => role.ToString().ToLowerInvariant();

    private static string Names(IReadOnlyList<TableColumn> columns) =>
        string.Join(", ", columns.Take(40).Select(column => $"'{column.Name}'"))
            + (columns.Count > 40 ? $" and {columns.Count - 40} more" : "");
}
