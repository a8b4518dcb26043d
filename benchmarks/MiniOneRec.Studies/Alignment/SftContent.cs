using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Studies;

/// <summary>What reading the items' vectors costs in supervised training.</summary>
internal static class SftContent
{
    private const int Items = 4_000, Width = 384, Users = 256, Length = 20;

    /// <summary>Trains the default size with all parts (content at the input, dense head) and without them, in turns.</summary>
    public static async Task RatioAsync(StudyContext context, int repeats)
    {
        var random = new Random(5);
        var index = new SemanticIdIndex(Enumerable.Range(0, Items).Select(i => KeyValuePair.Create(
            $"{i}", new SemanticId(random.Next(256), random.Next(256), random.Next(256)))), [256, 256, 256]);
        UserSequence[] train = [.. Enumerable.Range(0, Users).Select(u => new UserSequence(
            $"{u}", [.. Enumerable.Range(0, Length).Select(_ => $"{random.Next(Items)}")]))];
        float[] values = [.. Enumerable.Range(0, Items * Width).Select(_ => random.NextSingle() - 0.5f)];
        var content = new ItemContent(index.Items, Width, values);
        var (without, head, input, all) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (int i = 0; i <= repeats; i++)
        {
            double plain = await SecondsAsync(index, train, null), dense = await SecondsAsync(index, train, Module(false, true)),
                entering = await SecondsAsync(index, train, Module(true, false)),
                whole = await SecondsAsync(index, train, Module(true, true));
            if (i > 0)                                                      // the first turn warms up
            {
                without.Add(plain);
                head.Add(dense / plain);
                input.Add(entering / plain);
                all.Add(whole / plain);
            }
        }

        context.Report("train_ratio", Median(all), "x",
            new { seconds = Median(without), steps = Users / 64, items = Items, vectors = Width });
        context.Report("train_ratio.head", Median(head), "x");
        context.Report("train_ratio.input", Median(input), "x");

        Func<GenerativeRecommender, ContentModule> Module(bool atInput, bool denseHead) => recommender => new ContentModule(
            content, index, recommender.Template, recommender.Model.Config.HiddenSize,
            new ContentOptions { AtInput = atInput, DenseHead = denseHead });
    }

    private static async Task<double> SecondsAsync(
        SemanticIdIndex index, UserSequence[] train, Func<GenerativeRecommender, ContentModule>? content)
    {
        using var recommender = await new GenerativeRecommenderFactory(new ModelingOptions { HiddenSize = 128, Layers = 2 })
            .CreateAsync(index);
        if (content is not null)
        {
            recommender.Model.Attach(content(recommender));
        }

        var trainer = new SftTrainer([new NextItemTask()], new SftOptions { Epochs = 1 });
        var start = ProcessorTime.Now;                                      // other programs on the machine slow the wall clock alone
        await trainer.TrainAsync(recommender, train);
        return (ProcessorTime.Now - start).TotalSeconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
