using System.Text.Json;

namespace MiniOneRec.Cli;

/// <summary>Writes items as <c>.item.json</c>, which readers of data and the server take.</summary>
internal static class ItemFile
{
    /// <summary>The file of a run's items.</summary>
    public const string Name = "items.item.json";

    private static readonly HashSet<string> Fields = ["title", "description", "brand", "categories"];

    /// <summary>Writes the file aside and renames it.</summary>
    public static Task WriteAsync(string path, IEnumerable<Item> items, CancellationToken cancellationToken) => AtomicFile.WriteAsync(
        path,
        async stream =>
        {
            await using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
            writer.WriteStartObject();
            foreach (var item in items)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Write(writer, item);
                if (writer.BytesPending > 1 << 16)
                {
                    await writer.FlushAsync(cancellationToken);
                }
            }

            writer.WriteEndObject();
        },
        cancellationToken);

    private static void Write(Utf8JsonWriter writer, Item item)
    {
        writer.WriteStartObject(item.Id);
        writer.WriteString("title", item.Title);
        foreach (var (name, text) in ((string, string?)[])[("description", item.Description), ("brand", item.Brand)])
        {
            if (text is not null)
            {
                writer.WriteString(name, text);
            }
        }

        writer.WriteStartArray("categories");
        foreach (string category in item.Categories)
        {
            writer.WriteStringValue(category);
        }

        writer.WriteEndArray();
        foreach (var (name, value) in item.Attributes.Where(attribute => !Fields.Contains(attribute.Key)))
        {
            writer.WritePropertyName(name);
            JsonSerializer.Serialize(writer, value);
        }

        writer.WriteEndObject();
    }
}
