namespace MiniOneRec.Cli.Tests;

public sealed class CompletionTests : IDisposable
{
    private readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Theory]
    [InlineData("rec", "recommend")]
    [InlineData("index --quantizer op", "opq")]
    [InlineData("run --pre", "--preset")]
    [InlineData("run --preset sp", "sparse")]
    public async Task The_program_completes_its_own_command_lines(string line, string expected)
    {
        var (code, output, error) = await Shop.RunAsync($"[suggest:{line.Length}]", line);

        Assert.True(code == 0, error);
        Assert.Contains(expected, output.Split('\n', StringSplitOptions.TrimEntries));
    }

    [Theory]
    [InlineData("bash", "complete -o filenames -F _minionerec_complete minionerec")]
    [InlineData("zsh", "compdef _minionerec minionerec")]
    [InlineData("pwsh", "Register-ArgumentCompleter -Native -CommandName minionerec")]
    public async Task Scripts_ask_the_program(string shell, string line)
    {
        var (code, output, error) = await Shop.RunAsync("completion", shell);

        Assert.True(code == 0, error);
        Assert.Contains(line, output, StringComparison.Ordinal);
        Assert.Contains("[suggest:", output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (await Shop.RunAsync("completion", "fish")).Code);
    }

    [Theory]
    [InlineData("recbole", "orders.inter", "products.item")]
    [InlineData("csv", "orders.csv", "products.csv")]
    [InlineData("parquet", "orders.parquet", "products.csv")]
    public async Task The_demos_files_are_read_back(string format, string orders, string products)
    {
        var (code, _, error) = await Shop.RunAsync("demo", "--format", format, "--files-only", "--output", _shop.In("demo"));
        Assert.True(code == 0, error);

        (code, string output, error) = await Shop.RunAsync(
            "prepare", "--input", _shop.In($"demo/{orders}"), "--items", _shop.In($"demo/{products}"),
            "--output", _shop.In("prepared"), "--json", "--quiet");

        Assert.True(code == 0, error);
        Assert.Contains("\"items\":548", output, StringComparison.Ordinal);
        Assert.Contains("\"users\":1500", output, StringComparison.Ordinal);
    }
}
