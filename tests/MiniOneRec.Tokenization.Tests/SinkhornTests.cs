using System.Text.Json;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization.Tests;

public class SinkhornTests
{
    [Fact]
    public void Plan_RecordedDistances_GivesRecordedPlansAndIndices()
    {
        using var scope = NewDisposeScope();
        var tensors = SafetensorsFile.Load(Path.Combine(TestData.Fixture("sinkhorn"), "expected.safetensors"));
        var plans = tensors.Keys.Where(key => key.StartsWith("plan.", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(plans);
        foreach (string key in plans)
        {
            string settings = key["plan.".Length..];
            int split = settings.LastIndexOf('.');
            double epsilon = double.Parse(settings[..split], System.Globalization.CultureInfo.InvariantCulture);

            var plan = SinkhornKnopp.Plan(tensors["distances"], epsilon,
                int.Parse(settings[(split + 1)..], System.Globalization.CultureInfo.InvariantCulture));

            RqVaeParityTests.Close(tensors[key], plan, 1e-9);
            Assert.True((tensors["index." + settings] == plan.argmax(1)).all().item<bool>(), settings);
        }
    }

    [Theory]
    [InlineData("0.003")]
    [InlineData("0.05")]
    public void Plan_LastLevelOfTheModel_GivesRecordedPlanAndCodes(string epsilon)
    {
        using var scope = NewDisposeScope();
        var tensors = SafetensorsFile.Load(Path.Combine(TestData.Fixture("rqvae"), "sinkhorn", "last-level.safetensors"));

        var plan = SinkhornKnopp.Plan(tensors["distances"], double.Parse(epsilon, System.Globalization.CultureInfo.InvariantCulture), 50);

        RqVaeParityTests.Close(tensors["plan." + epsilon], plan, 1e-9);
        Assert.True((tensors["codes." + epsilon].select(1, 2) == plan.argmax(1)).all().item<bool>());
    }

    [Theory]
    [InlineData("plain", "0.003")]
    [InlineData("plain", "0.05")]
    [InlineData("chained", "0.003")]
    [InlineData("chained", "0.05")]
    public void Rounds_OfTheReference_GiveRecordedCodes(string name, string epsilon)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var tensors = SafetensorsFile.Load(Path.Combine(TestData.Fixture("rqvae"), "collision", name + ".safetensors"));
        int[] sizes = [.. Enumerable.Range(0, 3).Select(level => (int)tensors[$"codebook.{level}"].size(0))];
        using var model = new RqVae(new RqVaeOptions { CodebookSizes = sizes, HiddenWidths = [32, 16], LatentWidth = 8 }, 24);
        foreach (var (key, value) in model.named_parameters())
        {
            value.copy_(tensors[key.Replace(".layers", "", StringComparison.Ordinal)
                .Replace("quantizer.levels.", "codebook.", StringComparison.Ordinal).Replace(".codebook", "", StringComparison.Ordinal)]);
        }

        var quantizer = new RqVaeModel(model, 24);
        var input = tensors["input"];
        var codes = quantizer.Encode(input);
        Assert.True((tensors["codes.before." + epsilon] == codes).all().item<bool>());
        for (int round = 0; round < 20; round++)
        {
            var groups = Enumerable.Range(0, 69)
                .GroupBy(row => string.Join(' ', codes[row].data<long>().ToArray()))
                .Where(group => group.Count() > 1).Select(group => group.Select(row => (long)row).ToArray()).ToArray();
            var next = codes.clone();
            foreach (long[] rows in groups)
            {
                var index = tensor(rows);
                var plan = SinkhornKnopp.Plan(
                    quantizer.Distances(input.index_select(0, index), codes.index_select(0, index), 2),
                    double.Parse(epsilon, System.Globalization.CultureInfo.InvariantCulture), 50);
                next.select(1, 2).index_copy_(0, index, plan.argmax(1));
            }

            codes = next;
        }

        Assert.True((tensors["codes.after." + epsilon] == codes).all().item<bool>());
    }

    [Fact]
    public void Append_RecordedGroups_NumbersThemAsTheReference()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestData.Fixture("rqvae"), "kmeans", "extra-token.json")));
        SemanticId[] before = [.. document.RootElement.GetProperty("before").EnumerateArray().Select(Read)];
        SemanticId[] after = [.. document.RootElement.GetProperty("after").EnumerateArray().Select(Read)];

        var chosen = (SemanticId[])before.Clone();
        ExtraLevel.Append(before, chosen, [9, 9], 2, null, []);

        // The recorded rule counts from 1, ours from 0 as all codes.
        Assert.Equal(after, chosen.Select(id => id.Depth == 3 ? new SemanticId(id[0], id[1], id[2] + 1) : id));

        static SemanticId Read(JsonElement codes) => new([.. codes.EnumerateArray().Select(code => code.GetInt32())]);
    }
}
