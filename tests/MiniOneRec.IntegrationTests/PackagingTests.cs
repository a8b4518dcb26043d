using System.Xml.Linq;

namespace MiniOneRec.IntegrationTests;

/// <summary>Promises about the packages that can be read from the project files.</summary>
public sealed class PackagingTests
{
    public static TheoryData<string> Packages() =>
        [.. Directory.GetFiles(Path.Combine(TestData.Root, "src"), "*.csproj", SearchOption.AllDirectories)
        .Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Packages))]
    public void Package_HasItsOwnReadme(string package)
    {
        string readme = File.ReadAllText(Path.Combine(TestData.Root, "src", package, "README.md"));

        Assert.StartsWith($"# {package}", readme, StringComparison.Ordinal);
        Assert.Contains(
            IsTool(package) ? $"dotnet tool install {package}" : $"dotnet add package {package}", readme, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void Package_ReferencesNoNativeBackend(string package)
    {
        var project = XDocument.Load(Path.Combine(TestData.Root, "src", package, package + ".csproj"));
        string?[] references = [.. project.Descendants("PackageReference").Select(reference => (string?)reference.Attribute("Include"))];

        Assert.DoesNotContain(references, id => id!.StartsWith("libtorch", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(references, id => id!.StartsWith("TorchSharp-", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(IsTool(package), project.Descendants("UsesTorch").Any());         // a program carries the backend, a library does not
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void Package_IsInTheSolution(string package) =>
        Assert.Contains($"\"{package}\"", File.ReadAllText(Path.Combine(TestData.Root, "MiniOneRec.sln")), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Packages))]
    public void Package_HasTagsAndDescriptionOfItsOwn(string package)
    {
        var project = XDocument.Load(Path.Combine(TestData.Root, "src", package, package + ".csproj"));

        Assert.StartsWith("$(PackageTags);", project.Descendants("PackageTags").Single().Value, StringComparison.Ordinal);
        Assert.NotEmpty(project.Descendants("Description").Single().Value);
    }

    private static bool IsTool(string package) =>
        XDocument.Load(Path.Combine(TestData.Root, "src", package, package + ".csproj")).Descendants("PackAsTool").Any();

    [Fact]
    public void Packages_NameIconRepositoryAndReleaseNotesOnce()
    {
        var properties = XDocument.Load(Path.Combine(TestData.Root, "Directory.Build.props")).Descendants()
            .ToLookup(element => element.Name.LocalName, element => element.Value);

        Assert.InRange(new FileInfo(Path.Combine(TestData.Root, "docs", properties["PackageIcon"].Single())).Length, 100, 20_000);
        Assert.StartsWith("https://github.com/", properties["PackageProjectUrl"].Single(), StringComparison.Ordinal);
        Assert.Equal("$(PackageProjectUrl)", properties["RepositoryUrl"].Single());
        Assert.Contains("docs/changelog.md", properties["PackageReleaseNotes"].Single(), StringComparison.Ordinal);
    }

    [Fact]
    public void NuGetConfig_NamesNoHost()
    {
        string[] sources = [.. XDocument.Load(Path.Combine(TestData.Root, "nuget.config")).Descendants("add")
            .Select(source => (string)source.Attribute("value")!)];

        Assert.Equal(["artifacts/packages"], sources);
    }
}
