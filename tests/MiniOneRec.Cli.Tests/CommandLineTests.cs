using System.Text.Json.Nodes;

namespace MiniOneRec.Cli.Tests;

public sealed class CommandLineTests : IDisposable
{
    private readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Theory]
    [InlineData("nonsense")]
    [InlineData("run", "--no-such-option")]
    [InlineData("run")]
    [InlineData("evaluate")]
    [InlineData("recommend", "--model", "x", "--count", "0", "--history", "a")]
    [InlineData("recommend", "--model", "x", "--history", "a", "--input", "b")]
    [InlineData("recommend", "--model", "x", "--output", "b")]
    [InlineData("recommend", "--model", "x", "--input", "b", "--shard", "4/4")]
    [InlineData("index", "--interactions", "x", "--quantizer", "magic")]
    [InlineData("doctor", "--plan", "big")]
    [InlineData("run", "--interactions", "x", "--user", "column")]
    [InlineData("run", "--interactions", "x", "--budget", "soon")]
    [InlineData("index", "--interactions", "x", "--embeddings", "y", "--shard", "0/2")]
    public async Task A_wrong_command_line_has_exit_code_2_and_says_why(params string[] arguments)
    {
        var (code, output, error) = await Shop.RunAsync(arguments);

        Assert.Equal(ExitCodes.Usage, code);
        Assert.NotEmpty(error);
        Assert.DoesNotContain("   at ", error + output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_file_has_exit_code_3_and_is_named()
    {
        var (code, _, error) = await Shop.RunAsync("run", "--interactions", _shop.In("nowhere.txt"), "--output", _shop.In("run"));

        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("nowhere.txt", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_not_there_has_exit_code_3_and_is_named()
    {
        var (code, _, error) = await Shop.RunAsync("recommend", "--model", _shop.In("nowhere"), "--history", "i1");

        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("nowhere", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_are_JSON_where_JSON_is_asked_for()
    {
        var (code, _, error) = await Shop.RunAsync("run", "--json", "--interactions", _shop.In("nowhere.txt"), "--output", _shop.In("run"));
        var line = JsonNode.Parse(error.Trim().Split('\n')[^1])!;

        Assert.Equal("error", (string?)line["event"]);
        Assert.Equal(code, (int)line["code"]!);
    }

    [Fact]
    public async Task A_cancelled_command_has_exit_code_130()
    {
        using StringWriter output = new(), error = new();
        int code = await CliProgram.RunAsync(["run", .. _shop.Data, "--output", _shop.In("run")], output, error,
            new CancellationToken(canceled: true));

        Assert.Equal(ExitCodes.Cancelled, code);
    }

    [Fact]
    public async Task Doctor_tells_of_libtorch_and_plans_memory()
    {
        var (code, output, _) = await Shop.RunAsync("doctor", "--plan", "7B", "--ranks", "8", "--json", "--quiet");
        JsonNode[] lines = [.. output.Trim().Split('\n').Select(line => JsonNode.Parse(line)!)];

        Assert.Equal(ExitCodes.Success, code);
        Assert.Contains(lines,
            line => (string?)line["check"] == "libtorch" && ((string)line["result"]!).StartsWith("2.", StringComparison.Ordinal));
        Assert.Equal(14, (double)lines.Single(line => (string?)line["model state"] == "training, ZeRO-3")["GB per process"]!);
        Assert.Equal(38.5, (double)lines.Single(line => (string?)line["model state"] == "training, ZeRO-1")["GB per process"]!);
    }

    [Fact]
    public async Task The_schema_knows_the_options()
    {
        var (code, output, _) = await Shop.RunAsync("schema");
        var schema = JsonNode.Parse(output)!;

        Assert.Equal(ExitCodes.Success, code);
        Assert.NotNull(schema["properties"]!["recipe"]!["properties"]!["seed"]);
        Assert.NotNull(schema["properties"]!["data"]!["properties"]!["interactions"]);
    }
}
