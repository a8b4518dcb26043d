using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Datasets;

/// <summary>Makes a data set of raw Amazon reviews: items with usable titles, a time window, and a k-core.</summary>
/// <remarks>
/// Follows the reference system's preprocessing with two departures: the window is in UTC instead of the machine's zone, and users and
/// items have their own thresholds. An item that comes twice keeps its last entry; the stars of a user's reviews are the weights of the
/// sequence where every review has them. Users keep the order of their first review in the window, items the order in which the users'
/// sequences name them. Split the result with <see cref="GlobalTimeSplit"/>.
/// </remarks>
public static class AmazonReviewsDataset
{
    private const int FirstYear = 1996;

    /// <summary>Loads and filters reviews and metadata.</summary>
    /// <param name="reviewsPath">The file of reviews, one JSON object per line; <c>.gz</c> is unpacked.</param>
    /// <param name="metadataPath">The file of product metadata, one JSON object per line; <c>.gz</c> is unpacked.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="name">The data set's name, or <see langword="null"/> for the review file's.</param>
    /// <param name="logger">The logger.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A line is bad, or nothing remains after filtering; the message names file, line and
    /// key.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public static async Task<InteractionDataset> LoadAsync(
        string reviewsPath,
        string metadataPath,
        AmazonReviewsOptions? options = null,
        string? name = null,
        ILogger? logger = null,
        CancellationToken cancellationToken = default)
    {
        options = OptionsValidation.Validated(options ?? new AmazonReviewsOptions(), new AmazonReviewsOptionsValidator(),
            new AmazonReviewsWindowValidator());
        logger ??= NullLogger.Instance;

        var items = new Dictionary<string, Item>(StringComparer.Ordinal);
        await foreach (var item in AmazonReviewsReader.ReadItemsAsync(metadataPath, options.Format, options.Limits, cancellationToken)
            .ConfigureAwait(false))
        {
            if (CleanTitle(item.Title, options.MaxTitleWords) is { } title)
            {
                items[item.Id] = item with { Title = title };
            }
        }

        var reviews = new List<AmazonReview>();
        long skipped = 0;
        await foreach (var review in AmazonReviewsReader.ReadReviewsAsync(reviewsPath, options.Format, options.Limits, cancellationToken)
            .ConfigureAwait(false))
        {
            if (items.ContainsKey(review.ItemId))
            {
                reviews.Add(review);
            }
            else
            {
                skipped++;
            }
        }

        var sequences = Core(reviews, options, cancellationToken);
        if (sequences.Count == 0)
        {
            throw new InvalidDataException(
                $"File '{reviewsPath}': none of {reviews.Count + skipped} reviews remains ({skipped} without a "
                + $"usable title in '{metadataPath}', "
                + $"then at least {options.MinPerUser} per user and {options.MinPerItem} per item); "
                + "widen the window or lower the thresholds.");
        }

        var data = new InteractionDataset
        {
            Name = name ?? Path.GetFileName(reviewsPath).Split('.')[0],
            Items = [.. sequences.SelectMany(sequence => sequence.ItemIds).Distinct(StringComparer.Ordinal).Select(id => items[id])],
            Sequences = sequences,
            SkippedInteractions = skipped,
        };
        if (skipped > 0)
        {
            Log.SkippedItems(logger, data.Name, skipped);
        }

        Log.LoadedSequences(logger, data.Name, data.Items.Count, sequences.Count);
        return data;
    }

    /// <summary>The title as the catalogue keeps it, or <see langword="null"/> where the item is left out.</summary>
    internal static string? CleanTitle(string title, int maximumWords)
    {
        if (title.Contains("<span id", StringComparison.Ordinal))
        {
            return null;
        }

        string clean = title.Replace("&quot;", "\"", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal).Trim(' ')
            .Trim('"');
        return clean.Length > 1 && clean.Split(' ').Length <= maximumWords ? clean : null;
    }

    private static IReadOnlyList<UserSequence> Core(List<AmazonReview> reviews, AmazonReviewsOptions options,
        CancellationToken cancellationToken)
    {
        var filter = new KCoreFilter(options.MinPerUser, options.MinPerItem);
        long end = options.End is { } last ? Midnight(last) : long.MaxValue;
        for (var start = options.Start; ; start = start!.Value.AddYears(-1))
        {
            cancellationToken.ThrowIfCancellationRequested();
            long begin = start is { } first ? Midnight(first) : long.MinValue;
            var core = filter.Apply(Sequences(reviews.Where(review => review.Timestamp >= begin && review.Timestamp <= end)));
            if (start is not { Year: > FirstYear } || core.SelectMany(sequence => sequence.ItemIds).Distinct().Count() >= options.MinItems)
            {
                return core;
            }
        }
    }

    private static UserSequence[] Sequences(IEnumerable<AmazonReview> reviews) =>
    [
        .. reviews.GroupBy(review => review.UserId, StringComparer.Ordinal).Select(user =>
        {
            AmazonReview[] ordered = [.. user.OrderBy(review => review.Timestamp)];      // stable
            return new UserSequence(user.Key, Array.ConvertAll(ordered, review => review.ItemId))
            {
                Timestamps = Array.ConvertAll(ordered, review => review.Timestamp),
                Weights = Array.TrueForAll(ordered, review => review.Rating is not null)
                ? Array.ConvertAll(ordered, review => review.Rating ?? 0) : null,
            };
        }),
    ];

    private static long Midnight(DateOnly day) => new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeSeconds();
}
