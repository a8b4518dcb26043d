using System.Collections.ObjectModel;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace MiniOneRec.Datasets;

/// <summary>Reads the Amazon Reviews data: one JSON object per line, reviews and product metadata.</summary>
/// <remarks>
/// A line is refused where an id or time is missing or of another kind, a text is neither a string nor a list, or a key comes twice.
/// Broken characters are read as U+FFFD.
/// </remarks>
public static class AmazonReviewsReader
{
    private static readonly JsonDocumentOptions NoDuplicates = new() { AllowDuplicateProperties = false };

    /// <summary>Reads reviews one by one.</summary>
    /// <param name="path">The file of reviews; <c>.gz</c> is unpacked.</param>
    /// <param name="format">The release.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or a line is bad; the message names file, line and key.</exception>
    public static IAsyncEnumerable<AmazonReview> ReadReviewsAsync(string path, AmazonReviewsFormat format,
        CancellationToken cancellationToken = default) =>
        ReadReviewsAsync(path, format, null, cancellationToken);

    /// <summary>Reads reviews one by one, with other limits than the defaults.</summary>
    /// <param name="path">The file of reviews; <c>.gz</c> is unpacked.</param>
    /// <param name="format">The release.</param>
    /// <param name="limits">How much the file may unpack to and how long a line may be, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or above a limit, or a line is bad; the message names file, line and
    /// key.</exception>
    public static async IAsyncEnumerable<AmazonReview> ReadReviewsAsync(
        string path, AmazonReviewsFormat format, ReadLimits? limits, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (user, item, time, rating, divisor) = format == AmazonReviewsFormat.V2018
            ? ("reviewerID", "asin", "unixReviewTime", "overall", 1)
            : ("user_id", "parent_asin", "timestamp", "rating", 1000);
        string expected = $"one JSON object per line with {user}, {item} and {time}";
        await foreach (var (line, json) in ReadLinesAsync(path, "Review file", expected, limits, cancellationToken).ConfigureAwait(false))
        {
            long seconds = json.TryGetProperty(time, out var at) && at.ValueKind == JsonValueKind.Number && at.TryGetInt64(out long raw)
                ? raw / divisor
                : throw DataFile.Bad(path, line, time,
                    $"the time is missing; expected an integer, Unix {(divisor == 1 ? "" : "milli")}seconds"
                    + (at.ValueKind == JsonValueKind.Undefined ? "." : $", not {Found(at)}."));
            yield return new AmazonReview(Id(path, line, json, user), Id(path, line, json, item), seconds)
            {
                Rating = !json.TryGetProperty(rating, out var stars) || stars.ValueKind == JsonValueKind.Null ? null
                    : stars.ValueKind == JsonValueKind.Number && stars.TryGetDouble(out double number) && double.IsFinite(number) ? number
                    : throw DataFile.Bad(path, line, rating, $"the rating is {Found(stars)}; expected a number."),
            };
        }
    }

    /// <summary>Reads products one by one.</summary>
    /// <param name="path">The file of metadata; <c>.gz</c> is unpacked.</param>
    /// <param name="format">The release.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or a line is bad; the message names file, line and key.</exception>
    public static IAsyncEnumerable<Item> ReadItemsAsync(string path, AmazonReviewsFormat format,
        CancellationToken cancellationToken = default) =>
        ReadItemsAsync(path, format, null, cancellationToken);

    /// <summary>Reads products one by one, with other limits than the defaults.</summary>
    /// <param name="path">The file of metadata; <c>.gz</c> is unpacked.</param>
    /// <param name="format">The release.</param>
    /// <param name="limits">How much the file may unpack to and how long a line may be, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>
    /// The products. Their attributes are <c>price</c>, a number where it is a plain amount of dollars, and what the release has of
    /// <c>main_cat</c>, <c>main_category</c>, <c>average_rating</c> and <c>rating_number</c>.
    /// </returns>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or above a limit, or a line is bad; the message names file, line and
    /// key.</exception>
    public static async IAsyncEnumerable<Item> ReadItemsAsync(
        string path, AmazonReviewsFormat format, ReadLimits? limits, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (item, brand) = format == AmazonReviewsFormat.V2018 ? ("asin", "brand") : ("parent_asin", "store");
        string expected = $"one JSON object per line with {item} and title";
        await foreach (var (line, json) in ReadLinesAsync(path, "Metadata file", expected, limits, cancellationToken).ConfigureAwait(false))
        {
            var fields = new ItemFields(path, line, json);
            var categories = fields.List("categories");
            yield return new Item
            {
                Id = Id(path, line, json, item),
                Title = fields.Text("title") ?? "",
                Description = fields.Text("description"),
                Brand = fields.Text(brand),
                Categories = categories.Count > 0 ? categories : fields.List("category"),
                Attributes = Attributes(fields),
            };
        }
    }

    private static IReadOnlyDictionary<string, AttributeValue> Attributes(ItemFields fields)
    {
        Dictionary<string, AttributeValue>? attributes = null;
        foreach (string key in (ReadOnlySpan<string>)["price", "main_cat", "main_category", "average_rating", "rating_number"])
        {
            if (fields.Attribute(key) is { } value)
            {
                (attributes ??= new(StringComparer.Ordinal))[key] = key == "price" && value.Text is { } text && Dollars(text) is { } amount
                    ? amount : value;
            }
        }

        return attributes ?? (IReadOnlyDictionary<string, AttributeValue>)ReadOnlyDictionary<string, AttributeValue>.Empty;
    }

    private static double? Dollars(string text) =>
        double.TryParse(text.AsSpan().TrimStart('$'), NumberStyles.AllowDecimalPoint | NumberStyles.AllowThousands,
            CultureInfo.InvariantCulture, out double amount)
            && double.IsFinite(amount) ? amount : null;

    private static string Id(string path, long line, JsonElement json, string key) => json.TryGetProperty(key, out var value)
        && JsonIds.Read(value) is { } id ? id
        : throw DataFile.Bad(path, line, key, $"the id is {Found(value)}; expected a string.");

    private static string Found(JsonElement value) => value.ValueKind == JsonValueKind.Undefined ? "missing"
        : DataFile.Show(value.GetRawText());

    private static async IAsyncEnumerable<(long Line, JsonElement Json)> ReadLinesAsync(
        string path, string what, string expected, ReadLimits? limits, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (line, text) in DataFile.ReadLinesAsync(path, what, expected, limits ?? ReadLimits.Default, cancellationToken)
            .ConfigureAwait(false))
        {
            JsonElement json;
            try
            {
                json = JsonElement.Parse(JsonText.Repair(Encoding.UTF8.GetBytes(text)).Span, NoDuplicates);
            }
            catch (JsonException e)
            {
                throw DataFile.Bad(path, line, null, $"{DataFile.Show(text)} is no JSON object; expected {expected}. {e.Message}", e);
            }

            yield return json.ValueKind == JsonValueKind.Object ? (line, json)
                : throw DataFile.Bad(path, line, null, $"{DataFile.Show(text)} is no JSON object; expected {expected}.");
        }
    }
}
