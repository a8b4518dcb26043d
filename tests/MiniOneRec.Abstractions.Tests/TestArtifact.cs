using System.Diagnostics;

namespace MiniOneRec.Abstractions.Tests;

/// <summary>An artifact of two files that hold the same text.</summary>
internal static class TestArtifact
{
    public static Task SaveAsync(string folder, string text, string kind = "test", bool overwrite = false) => ArtifactFolder.SaveAsync(
        folder,
        "manifest.json",
        kind,
        async aside =>
        {
            await WriteAsync(aside, text);
            return new ArtifactManifest { Kind = kind };
        },
        overwrite);

    public static async Task WriteAsync(string folder, string text)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "x.txt"), text);
        Directory.CreateDirectory(Path.Combine(folder, "deep"));
        await File.WriteAllTextAsync(Path.Combine(folder, "deep/y.txt"), text);
    }

    public static Task<string> LoadAsync(string folder, string kind = "test") =>
        ArtifactFolder.LoadAsync(folder, "manifest.json", kind, async (_, at) =>
    {
        string x = await File.ReadAllTextAsync(Path.Combine(at, "x.txt")), y = await File.ReadAllTextAsync(Path.Combine(at, "deep/y.txt"));
        return x == y ? x : throw new InvalidDataException($"x.txt holds '{x}', y.txt '{y}'.");
    });
}

/// <summary>What a child process of the tests does: it saves for ever, or dies at a step of saving.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is not [string what, string folder, string way, ..])
        {
            return 0;
        }

        FolderSwap.NeverExchange = way == "rename";
        if (what == "dies")
        {
            WriteSteps.Observer = step =>
            {
                if (step == arguments[3])
                {
                    Process.GetCurrentProcess().Kill();
                    Thread.Sleep(Timeout.Infinite);
                }
            };
            await TestArtifact.SaveAsync(folder, "after");
        }

        for (int version = 1; what == "saves"; version++)
        {
            await TestArtifact.SaveAsync(folder, $"{version}");
        }

        return 0;
    }
}
