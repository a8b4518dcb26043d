using System.Collections.ObjectModel;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace MiniOneRec.Datasets;

/// <summary>Reads the Steam data: one printed Python dictionary per line, reviews and games.</summary>
/// <remarks>
/// Lines are parsed as literals and never evaluated. Reviews have <c>username</c>, <c>product_id</c>, <c>date</c> and <c>hours</c>; games
/// have <c>id</c>, <c>title</c> or <c>app_name</c>, <c>publisher</c>, <c>genres</c> and <c>price</c>. A game without an id is left out.
/// </remarks>
public static class SteamReader
{
    /// <summary>Reads reviews one by one, in the order of the file.</summary>
    /// <param name="path">The file of reviews; <c>.gz</c> is unpacked.</param>
    /// <param name="limits">How much the file may unpack to and how long a line may be, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The reviews: the time is midnight UTC of the day, the weight the hours played.</returns>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or above a limit, or a line is bad; the message names file, line and
    /// key.</exception>
    public static async IAsyncEnumerable<Interaction> ReadReviewsAsync(
        string path, ReadLimits? limits = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var (line, json) in ReadAsync(path, "Review file", "username, product_id and date", limits, cancellationToken)
            .ConfigureAwait(false))
        {
            string user = Text(json, "username") ?? throw DataFile.Bad(path, line, "username", "it is missing or empty; expected a name.");
            string item = Text(json, "product_id")
                ?? throw DataFile.Bad(path, line, "product_id", "it is missing or empty; expected an id.");
            string day = Text(json, "date")
                ?? throw DataFile.Bad(path, line, "date", "it is missing or empty; expected a day such as 2017-12-17.");
            yield return new Interaction(user, item)
            {
                Timestamp = DateOnly.TryParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
                    ? new DateTimeOffset(date.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeSeconds()
                    : throw DataFile.Bad(path, line, "date", $"{DataFile.Show(day)} is no day; expected one such as 2017-12-17."),
                Weight = json.TryGetProperty("hours", out var hours) && hours.ValueKind == JsonValueKind.Number ? hours.GetDouble() : null,
            };
        }
    }

    /// <summary>Reads games one by one.</summary>
    /// <param name="path">The file of games; <c>.gz</c> is unpacked.</param>
    /// <param name="limits">How much the file may unpack to and how long a line may be, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or above a limit, or a line is bad; the message names file, line and
    /// key.</exception>
    public static async IAsyncEnumerable<Item> ReadItemsAsync(
        string path, ReadLimits? limits = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var (line, json) in ReadAsync(path, "Game file", "id and title", limits, cancellationToken).ConfigureAwait(false))
        {
            if (Text(json, "id") is not { } id)
            {
                continue;
            }

            var fields = new ItemFields(path, line, json);
            yield return new Item
            {
                Id = id,
                Title = fields.Text("title") ?? fields.Text("app_name") ?? "",
                Brand = fields.Text("publisher"),
                Categories = fields.List("genres"),
                Attributes = fields.Attribute("price") is { } price
                    ? new Dictionary<string, AttributeValue>(StringComparer.Ordinal) { ["price"] = price }
                    : ReadOnlyDictionary<string, AttributeValue>.Empty,
            };
        }
    }

    private static string? Text(JsonElement json, string key) => json.TryGetProperty(key, out var value) ? JsonIds.Read(value) : null;

    private static async IAsyncEnumerable<(long Line, JsonElement Json)> ReadAsync(
        string path, string what, string keys, ReadLimits? limits, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string expected = $"one printed Python dictionary per line with {keys}";
        await foreach (var (line, text) in DataFile.ReadLinesAsync(path, what, expected, limits ?? ReadLimits.Default, cancellationToken)
            .ConfigureAwait(false))
        {
            JsonElement json;
            try
            {
                json = JsonElement.Parse(PythonLiteral.ToJson(text).Span);
            }
            catch (Exception e) when (e is FormatException or JsonException)
            {
                throw DataFile.Bad(path, line, null, $"{DataFile.Show(text)} is no such dictionary; expected {expected}. {e.Message}", e);
            }

            yield return (line, json);
        }
    }
}
