using System.Security.Cryptography;
using System.Text;
using MiniOneRec.Datasets;
using MiniOneRec.Recipes;
using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;

namespace MiniOneRec.Experiments;

/// <summary>One data set as the models of the paper see it.</summary>
/// <param name="Data">Catalogue and sets, with semantic IDs.</param>
/// <param name="Index">The semantic IDs.</param>
/// <param name="Text">Vectors of the items' text, or <see langword="null"/> where they have none.</param>
/// <param name="Fingerprint">A hash of all of it but the vectors.</param>
internal sealed record PaperData(SplitDataset Data, SemanticIdIndex Index, VectorSource? Text, string Fingerprint)
{
    /// <summary>The longest history, as in the paper.</summary>
    private const int MaxHistory = 10;

    /// <summary>Loads a set, and learns semantic IDs where it brings none; those are kept in the work folder.</summary>
    /// <param name="context">Finds the data.</param>
    /// <param name="settings">Which models need what.</param>
    /// <param name="set">The set.</param>
    /// <exception cref="ArgumentException">A model needs titles or vectors and the set has none.</exception>
    public static async Task<PaperData> LoadAsync(StudyContext context, PaperSettings settings, string set)
    {
        var data = Cut(await StudyData.LoadAsync(context, set, MaxHistory), settings.Users);
        RivalRegistry.Require(settings.Names, data);
        var options = new RecipeOptions
        {
            Output = Path.Combine(settings.Work, "artifacts", set), Device = settings.Device, Seed = settings.Seeds[0],
            Embeddings = settings.VectorsOf(set),
        };
        string path = Recipe.IndexPath(options.Output, data.Name);
        var journal = await RecipeJournal.OpenAsync(options, data, "tf-idf", context.CancellationToken);
        var stages = new StageRunner(new Observer(context), journal.Seconds);
        var vectors = new VectorStage(options, null, stages, journal);
        var text = settings.Names.Any(name => name is "text-knn" or "star" or "mixture")
            ? await vectors.TextAsync(data, context.CancellationToken) : null;
        string[] lacking = [.. settings.Names.Where(name => name is "text-knn" or "star")];
        if (text is null && lacking.Length > 0)
        {
            throw new ArgumentException(
                $"{string.Join(", ", lacking)} need texts of the items, and '{set}' has none; leave them out of --names.");
        }

        if (data.Index is null)
        {
            // What is learned is read back: the file does not tell how many codes a level could have.
            if (!File.Exists(path) && settings.Users > 0)
            {
                // Toy size: k-means learns in a second what an RQ-VAE learns in ten.
                var table = await vectors.ForIndexAsync(data, context.CancellationToken);
                using var quantizer = SemanticIdPart.Create(
                    "rqkmeans", data.Items.Count, new MiniOneRecOptions { Device = settings.Device, Seed = settings.Seeds[0] });
                var catalogue = await new SemanticIdTokenizer(quantizer)
                    .BuildAsync(data.ItemIds, table, cancellationToken: context.CancellationToken);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await catalogue.Index.SaveAsync(path, context.CancellationToken);
            }
            else if (!File.Exists(path))
            {
                await new IndexStage(options, stages, vectors, journal, new RecipeClock(null, journal.Seconds))
                    .RunAsync(data, context.CancellationToken);
            }

            data = data with { Index = await SemanticIdIndex.LoadAsync(path, cancellationToken: context.CancellationToken) };
        }

        var index = data.Index!;
        return new PaperData(data, index, text, FingerprintOf(data, index));
    }

    private static SplitDataset Cut(SplitDataset data, int users) => users == 0 ? data : data with
    {
        TrainSequences = [.. data.TrainSequences.Take(users)],
        Train = [.. data.Train.Take(8 * users)],
        Validation = [.. data.Validation.Take(users)],
        Test = [.. data.Test.Take(users)],
    };

    private static string FingerprintOf(SplitDataset data, SemanticIdIndex index)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + "\n"));
        Add(index.Fingerprint);
        foreach (var item in data.Items)
        {
            Add($"{item.Id}\t{item.Title}");
        }

        foreach (var user in data.TrainSequences)
        {
            Add($"{user.UserId}\t{string.Join(' ', user.ItemIds)}");
        }

        foreach (var row in data.Validation.Concat(data.Test))
        {
            Add($"{row.UserId}\t{string.Join(' ', row.History)}\t{row.Target}");
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    private sealed class Observer(StudyContext context) : IRecipeObserver
    {
        public void OnMessage(string text) => context.Log(text);
    }
}
