using System.Runtime.CompilerServices;
using System.Text.Json;

namespace MiniOneRec.Datasets;

/// <summary>Reads the Amazon Reviews data: one JSON object per line, reviews and product metadata.</summary>
public static class AmazonReviewsReader
{
    /// <summary>Reads reviews one by one.</summary>
    /// <param name="path">The file of reviews; <c>.gz</c> is unpacked.</param>
    /// <param name="format">The release.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or a line is bad; the message names file, line and key.</exception>
    public static async IAsyncEnumerable<AmazonReview> ReadReviewsAsync(
        string path, AmazonReviewsFormat format, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (user, item, time, divisor) = format == AmazonReviewsFormat.V2018
            ? ("reviewerID", "asin", "unixReviewTime", 1)
            : ("user_id", "parent_asin", "timestamp", 1000);
        await foreach (var (line, json) in ReadLinesAsync(path, "Review file", $"one JSON object per line with {user}, {item} and {time}", cancellationToken).ConfigureAwait(false))
        {
            string Id(string key) => json.TryGetProperty(key, out var value) && JsonIds.Read(value) is { } id ? id
                : throw DataFile.Bad(path, line, key, "the id is missing; expected a string.");

            long seconds = json.TryGetProperty(time, out var at) && at.ValueKind == JsonValueKind.Number && at.TryGetInt64(out long raw)
                ? raw / divisor
                : throw DataFile.Bad(path, line, time, $"the time is missing; expected an integer, Unix {(divisor == 1 ? "seconds" : "milliseconds")}.");
            yield return new AmazonReview(Id(user), Id(item), seconds);
        }
    }

    /// <summary>Reads products one by one.</summary>
    /// <param name="path">The file of metadata; <c>.gz</c> is unpacked.</param>
    /// <param name="format">The release.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or a line is bad; the message names file, line and key.</exception>
    public static async IAsyncEnumerable<Item> ReadItemsAsync(
        string path, AmazonReviewsFormat format, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (item, brand) = format == AmazonReviewsFormat.V2018 ? ("asin", "brand") : ("parent_asin", "store");
        await foreach (var (line, json) in ReadLinesAsync(path, "Metadata file", $"one JSON object per line with {item} and title", cancellationToken).ConfigureAwait(false))
        {
            var fields = new ItemFields(path, line, json);
            var categories = fields.List("categories");
            yield return new Item
            {
                Id = json.TryGetProperty(item, out var value) && JsonIds.Read(value) is { } id ? id
                    : throw DataFile.Bad(path, line, item, "the id is missing; expected a string."),
                Title = fields.Text("title") ?? "",
                Description = fields.Text("description"),
                Brand = fields.Text(brand),
                Categories = categories.Count > 0 ? categories : fields.List("category"),
            };
        }
    }

    private static async IAsyncEnumerable<(long Line, JsonElement Json)> ReadLinesAsync(
        string path, string what, string expected, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (line, text) in DataFile.ReadLinesAsync(path, what, expected, cancellationToken).ConfigureAwait(false))
        {
            JsonElement json;
            try
            {
                json = JsonElement.Parse(text);
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
