using Xunit;

namespace MiniOneRec.Tests;

/// <summary>Finds fixtures and data: the environment variable first, then the repository, then the folder beside it.</summary>
internal static class TestData
{
    /// <summary>The repository's root folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A fixture folder that is part of this repository.</summary>
    public static string Fixture(string name)
    {
        string? given = Environment.GetEnvironmentVariable("MINIONEREC_FIXTURES");
        string path = given is null ? Path.Combine(Root, "tests", "Fixtures", name) : Path.Combine(given, name);
        return Directory.Exists(path) ? path : throw new DirectoryNotFoundException($"Fixture folder '{path}' is missing.");
    }

    /// <summary>A fixture that holds other people's text or weights and is read in place, or skips the test.</summary>
    public static string ForeignFixture(string name) => Require("MINIONEREC_FIXTURES", "fixtures", name);

    /// <summary>A file or folder of the real data sets, or skips the test.</summary>
    public static string Data(string name) => Require("MINIONEREC_DATA", "data", name);

    /// <summary>A file or folder of pretrained models, or skips the test.</summary>
    public static string Model(string name) => Require("MINIONEREC_MODELS", "models", name);

    private static string Require(string variable, string folder, string name)
    {
        string start = Environment.GetEnvironmentVariable(variable) ?? Path.Combine(Root, "..", "shared", folder);
        string path = Path.GetFullPath(Path.Combine(start, name));
        bool exists = Directory.Exists(path) || File.Exists(path);
        if (!exists && Environment.GetEnvironmentVariable("MINIONEREC_REQUIRE_DATA") == "1")
        {
            throw new DirectoryNotFoundException($"'{path}' is missing and MINIONEREC_REQUIRE_DATA is 1; set {variable}.");
        }

        Skip.IfNot(exists, $"'{name}' was not found at '{path}'; set {variable} to the folder that holds it.");
        return path;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MiniOneRec.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("The repository root (MiniOneRec.sln) was not found above the test's folder.");
    }
}
