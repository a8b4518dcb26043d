using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Stores;

/// <summary>What all stores check, and how they write items.</summary>
internal static class StoreRules
{
    /// <summary>How long the keys of batches are kept.</summary>
    public static readonly TimeSpan KeysAreKept = TimeSpan.FromDays(7);

    private const int MaxKeyLength = 1024;

    /// <summary>Checks a batch.</summary>
    public static void Check(EventBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(batch.Events);
        CheckOptional(batch.Key, "The key of a batch");
        if (batch.Key is not null && string.IsNullOrEmpty(batch.ContentHash))
        {
            throw new ArgumentException("A batch with a key needs the hash of its content.", nameof(batch));
        }

        foreach (var one in batch.Events)
        {
            CheckKey(one.UserId, "The user of an event");
            CheckKey(one.ItemId, "The item of an event");
            CheckOptional(one.EventId, "The key of an event");
            CheckOptional(one.EventType, "The type of an event");
            CheckOptional(one.RecommendationId, "The recommendation of an event");
            if (one.Weight is { } weight && !double.IsFinite(weight))
            {
                throw new ArgumentException($"The weight of an event is {weight}; expected a finite number.", nameof(batch));
            }
        }
    }

    /// <summary>Checks items that are written.</summary>
    public static void Check(IReadOnlyList<StoredItem> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in items)
        {
            CheckKey(item.Item.Id, "The id of an item");
            if (!seen.Add(item.Item.Id))
            {
                throw new ArgumentException($"Item '{item.Item.Id}' comes twice.", nameof(items));
            }
        }
    }

    /// <summary>Checks a key.</summary>
    public static void CheckKey(string? key, string what)
    {
        if (string.IsNullOrEmpty(key) || key.Length > MaxKeyLength || key.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException($"{what} has {key?.Length ?? 0} characters; expected 1 to {MaxKeyLength}, without NUL.",
                nameof(key));
        }
    }

    /// <summary>Writes an item as JSON.</summary>
    public static string Write(StoredItem item) => JsonSerializer.Serialize(item, StoresJsonContext.Default.StoredItem);

    /// <summary>Reads an item that <see cref="Write(StoredItem)"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is something else.</exception>
    public static StoredItem ReadItem(string json, long revision)
    {
        try
        {
            return JsonSerializer.Deserialize(json, StoresJsonContext.Default.StoredItem) is { Item: not null } item
                ? item with { Revision = revision }
                : throw new InvalidDataException($"The store's item of revision {revision} is null.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The store's item of revision {revision} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Writes parts as JSON.</summary>
    public static string Write(ModelParts parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return parts.Share is >= 0 and <= 1 ? JsonSerializer.Serialize(parts, StoresJsonContext.Default.ModelParts)
            : throw new ArgumentException($"The share of a model is {parts.Share}; expected 0 to 1.", nameof(parts));
    }

    /// <summary>Reads parts that <see cref="Write(ModelParts)"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is something else.</exception>
    public static ModelParts ReadParts(string json, long revision)
    {
        try
        {
            return JsonSerializer.Deserialize(json, StoresJsonContext.Default.ModelParts) is { Share: >= 0 and <= 1 } parts
                ? parts with { Revision = revision }
                : throw new InvalidDataException(
                    $"The store's parts of models of revision {revision} are null, or have no share from 0 to 1.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The store's parts of models of revision {revision} cannot be read: {e.Message}", e);
        }
    }

    private static void CheckOptional(string? key, string what)
    {
        if (key is not null)
        {
            CheckKey(key, what);
        }
    }
}

/// <summary>Compiled JSON metadata of what stores write.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredItem))]
[JsonSerializable(typeof(ModelParts))]
[JsonSerializable(typeof(StoredEvent))]
[JsonSerializable(typeof(StoredEvent[]))]
internal sealed partial class StoresJsonContext : JsonSerializerContext;
