using System.Text.Json.Nodes;

namespace MiniOneRec.Baselines;

/// <summary>A mixture of scorers: their probabilities, weighted and combined.</summary>
/// <remarks>
/// Each part's scores become probabilities over the catalogue. The parts are combined in a linear or geometric mean, and the
/// items of the history are multiplied by a factor. <see cref="MixtureTuner"/> chooses weights, form and factor on validation rows.
/// Departures: there is no paper; it is the textbook mixture of experts with fixed weights.
/// </remarks>
public sealed class MixedScorer : ScoringRecommender
{
    internal const string Kind = "mixture";
    private const string ManifestFile = "minionerec.json";

    private readonly MixtureRows _rows;
    private readonly double[] _weights;

    /// <summary>Makes a mixture.</summary>
    /// <param name="parts">The parts, at least one; each scores the same items.</param>
    /// <param name="form">How probabilities are combined.</param>
    /// <param name="historyFactor">What the share of an item of the history is multiplied by, 0 to 1.</param>
    /// <exception cref="ArgumentException">No parts, parts of other items, a negative weight, or weights that sum to 0.</exception>
    public MixedScorer(IReadOnlyList<MixturePart> parts, MixtureForm form = MixtureForm.Linear, double historyFactor = 1)
        : this(new MixtureRows(parts), parts, form, historyFactor)
    {
    }

    private MixedScorer(MixtureRows rows, IReadOnlyList<MixturePart> parts, MixtureForm form, double historyFactor)
        : base(Kind, CatalogueOf(rows.Items, parts))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(historyFactor, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(historyFactor, 1);
        double sum = parts.Sum(part => part.Weight);
        if (!(sum > 0) || !double.IsFinite(sum) || parts.Any(part => part.Weight < 0))
        {
            throw new ArgumentException(
                $"The weights are [{string.Join(", ", parts.Select(part => part.Weight))}]; "
                + "expected numbers of at least 0 and one above it.", nameof(parts));
        }

        (_rows, Parts, Form, HistoryFactor) = (rows, [.. parts], form, historyFactor);
        _weights = [.. parts.Select(part => part.Weight / sum)];
    }

    /// <summary>Gets the parts with the weights that were given.</summary>
    public IReadOnlyList<MixturePart> Parts { get; }

    /// <summary>Gets how probabilities are combined.</summary>
    public MixtureForm Form { get; }

    /// <summary>Gets what the share of an item of the history is multiplied by.</summary>
    public double HistoryFactor { get; }

    /// <summary>Saves the parts and their weights as one folder; an earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="InvalidOperationException">A part is no <see cref="ISavableScorer"/>.</exception>
    public override Task SaveAsync(string folder, CancellationToken cancellationToken = default) => ArtifactFolder.SaveAsync(
        folder,
        ManifestFile,
        Kind,
        async aside =>
        {
            var parts = new JsonArray();
            foreach (var (index, part) in Parts.Index())
            {
                if (part.Scorer is not ISavableScorer savable)
                {
                    throw new InvalidOperationException(
                        $"Part {index} of the mixture is a {part.Scorer.GetType().Name}, which cannot be saved.");
                }

                await savable.SaveAsync(Path.Combine(aside, FolderOf(index)), cancellationToken).ConfigureAwait(false);
                parts.Add(new JsonObject { ["kind"] = savable.Kind, ["weight"] = part.Weight, ["scale"] = part.Scale.ToString() });
            }

            return new ArtifactManifest
            {
                Kind = Kind,
                Options = new JsonObject { ["form"] = Form.ToString(), ["historyFactor"] = HistoryFactor, ["parts"] = parts },
            };
        },
        cancellationToken: cancellationToken);

    /// <summary>Loads a folder that <see cref="SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="loaders">Load the parts by their kinds, or <see langword="null"/> for <see cref="BaselineScorers.Loaders"/>.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>, for parts that compute on one.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or no loader knows a part's kind.</exception>
    public static Task<MixedScorer> LoadAsync(
        string folder, IReadOnlyList<ScorerLoader>? loaders = null, string device = "cpu", CancellationToken cancellationToken = default) =>
        ArtifactFolder.LoadAsync(folder, ManifestFile, Kind, async (manifest, at) =>
        {
            var content = manifest.OptionsAs<Content>();
            var parts = new List<MixturePart>();
            foreach (var (index, part) in (content.Parts ?? []).Index())
            {
                var loader = (loaders ?? BaselineScorers.Loaders).FirstOrDefault(known => known.Kind == part.Kind)
                    ?? throw new InvalidDataException($"Mixture '{folder}', part {index}: no loader for the kind '{part.Kind}' was given.");
                var scorer = await loader.LoadAsync(Path.Combine(at, FolderOf(index)), device, cancellationToken).ConfigureAwait(false)
                    ?? throw new InvalidDataException($"Mixture '{folder}', part {index}: its loader left the scorer out.");
                parts.Add(new MixturePart(scorer, part.Weight, Enum.Parse<MixtureScale>(part.Scale)));
            }

            try
            {
                return new MixedScorer(parts, Enum.Parse<MixtureForm>(content.Form), content.HistoryFactor);
            }
            catch (ArgumentException e)
            {
                throw new InvalidDataException($"Mixture '{folder}': {e.Message}", e);
            }
        }, cancellationToken);

    private protected override void ScoreRows(IReadOnlyList<int[]> histories, Span<float> scores)
    {
        int count = Catalogue.Count;
        string[][] ids = [.. histories.Select(history => Array.ConvertAll(history, row => Catalogue.Items[row]))];
        float[]?[] all = [.. _weights.Select((weight, part) => weight > 0 ? _rows.Probabilities(part, ids) : null)];
        var parts = new ReadOnlyMemory<float>[_weights.Length];
        for (int b = 0; b < histories.Count; b++)
        {
            for (int part = 0; part < parts.Length; part++)
            {
                parts[part] = all[part].AsMemory(all[part] is null ? 0 : b * count, all[part] is null ? 0 : count);
            }

            var target = scores.Slice(b * count, count);
            MixtureRows.Mix(parts, _weights, Form, count, target);
            foreach (int item in histories[b].Distinct())
            {
                target[item] *= (float)HistoryFactor;
            }
        }
    }

    // Popularity breaks ties where a part knows it.
    private static ItemCatalogue CatalogueOf(IReadOnlyList<string> items, IReadOnlyList<MixturePart> parts)
    {
        var known = parts.Select(part => part.Scorer).OfType<ScoringRecommender>().FirstOrDefault()?.Popularity;
        return new ItemCatalogue(items, [.. items.Select(item => known?.GetValueOrDefault(item) ?? 0)]);
    }

    private static string FolderOf(int part) => $"part-{part}";

    private sealed record Content(string Form, double HistoryFactor, PartContent[]? Parts);

    private sealed record PartContent(string Kind, double Weight, string Scale);
}
