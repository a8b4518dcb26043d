namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Writes the calls that read files as tables.</summary>
internal static class Relations
{
    /// <summary>Reads Parquet; folders named <c>key=value</c> become columns.</summary>
    public static string Parquet(IReadOnlyList<string> files) =>
        $"read_parquet({Sql.List(files)}, binary_as_string = true, union_by_name = true)";

    /// <summary>Reads CSV and TSV; all columns are texts.</summary>
    public static string Csv(IReadOnlyList<string> files, DuckDbSourceOptions options)
    {
        string delimiter = options.Delimiter is { } given ? $", delim = {Sql.Text(given == "\\t" ? "\t" : given)}" : "";
        return $"read_csv({Sql.List(files)}, all_varchar = true, header = true, "
            + $"union_by_name = true{delimiter}{Encoding(options.Encoding)})";
    }

    /// <summary>Reads text files without a header, whose columns are known.</summary>
    public static string Headless(IReadOnlyList<string> files, string delimiter, string? encoding, params string[] names) =>
        $"read_csv({Sql.List(files)}, delim = {Sql.Text(delimiter)}, header = false, all_varchar = true, quote = '', "
        + $"names = {Sql.List(names)}{Encoding(encoding)})";

    /// <summary>Reads RecBole's atomic files; names keep their types.</summary>
    public static string Atomic(IReadOnlyList<string> files) =>
        $"read_csv({Sql.List(files)}, delim = '\t', header = true, all_varchar = true, quote = '', escape = '', union_by_name = true)";

    /// <summary>Reads JSON lines, types guessed.</summary>
    public static string Json(IReadOnlyList<string> files) => $"read_json({Sql.List(files)}, format = 'auto', union_by_name = true)";

    /// <summary>Reads some keys of JSON lines; keys that a line lacks are empty.</summary>
    public static string Json(IReadOnlyList<string> files, IEnumerable<TableColumn> columns) =>
        $"read_json({Sql.List(files)}, format = 'auto', "
        + $"columns = {{{string.Join(", ", columns.Select(column => $"{Sql.Text(column.Name)}: {Sql.Text(column.Type)}"))}}})";

    /// <summary>Reads whole lines, for a look at the first of them.</summary>
    public static string Lines(string file) =>
        $"read_csv({Sql.Text(file)}, auto_detect = false, header = false, delim = chr(1), quote = '', escape = '', "
        + $"columns = {{'line': 'VARCHAR'}})";

    private static string Encoding(string? encoding) => encoding is null ? "" : $", encoding = {Sql.Text(encoding)}";
}
