using System.Text.Json.Nodes;

namespace MiniOneRec.Cli.Tests;

/// <summary>The files of a tiny shop in a folder of its own, and command lines run in this process.</summary>
public sealed class Shop : IDisposable
{
    /// <summary>Writes the files.</summary>
    public Shop()
    {
        Folder = Directory.CreateTempSubdirectory("minionerec-cli-").FullName;
        var random = new Random(1);
        string[] users = [.. Enumerable.Range(0, 60).Select(user =>
        {
            int first = random.Next(24);
            return $"u{user} {string.Join(' ', Enumerable.Range(0, 7).Select(step => $"i{(first + step) % 24}"))}";
        })];
        Interactions = Write("orders.txt", string.Join('\n', users) + "\n");
        var index = new JsonObject();
        var items = new JsonObject();
        for (int item = 0; item < 24; item++)
        {
            index[$"i{item}"] = new JsonArray($"<a_{item / 6}>", $"<b_{item % 6}>");
            items[$"i{item}"] =
                new JsonObject { ["title"] = $"{(item % 2 == 0 ? "Red" : "Blue")} lamp {item}", ["categories"] = new JsonArray("Lamps") };
        }

        Index = Write("shop.index.json", index.ToJsonString());
        Items = Write("shop.item.json", items.ToJsonString());
    }

    /// <summary>Gets the folder.</summary>
    public string Folder { get; }

    /// <summary>Gets the interactions, <c>user item item …</c> a line.</summary>
    public string Interactions { get; }

    /// <summary>Gets the semantic IDs.</summary>
    public string Index { get; }

    /// <summary>Gets the item texts.</summary>
    public string Items { get; }

    /// <summary>Gets the options that name the data.</summary>
    public string[] Data => ["--interactions", Interactions, "--index", Index, "--split", "leave-one-out"];

    /// <summary>Gets a path in the folder.</summary>
    public string In(string name) => Path.Combine(Folder, name);

    /// <summary>Writes a file in the folder.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(In(name), text);
        return In(name);
    }

    /// <summary>Runs a command line.</summary>
    public static async Task<(int Code, string Output, string Error)> RunAsync(params IEnumerable<string> arguments)
    {
        using StringWriter output = new(), error = new();
        int code = await CliProgram.RunAsync([.. arguments], output, error);
        return (code, output.ToString(), error.ToString());
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
