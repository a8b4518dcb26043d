using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace MiniOneRec.Modeling.Tests;

/// <summary>A catalogue of six items and recommenders of it.</summary>
internal static class ServingToy
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static SemanticIdIndex Index { get; } = new(
        [new("a", new(0, 0)), new("b", new(0, 1)), new("c", new(1, 0)), new("d", new(1, 0)), new("e", new(2, 3)), new("f", new(3, 3))],
        [4, 4]);

    public static GenerativeRecommender Make(RecommenderOptions? options = null, IMeterFactory? meters = null,
        ILogger<GenerativeRecommender>? logger = null, int seed = 11, IReadOnlyDictionary<string, double>? popularity = null)
    {
        torch.random.manual_seed(seed);
        var template = CompactTemplate.For(Index);
        return new GenerativeRecommender(
            new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 2, 2)), Index, template, options, popularity, logger, meters);
    }

    public static RecommendationRequest Ask(string item, int count = 2) => new() { History = [item], Count = count };

    /// <summary>Answers by a delegate.</summary>
    internal sealed class Answering(Func<IReadOnlyList<RecommendationRequest>, CancellationToken,
        Task<IReadOnlyList<RecommendationResult>>> answer) : IRecommender, IDisposable
    {
        public Answering(string item)
            : this((requests, _) => Task.FromResult<IReadOnlyList<RecommendationResult>>(
                [.. requests.Select(_ => new RecommendationResult([new Recommendation(item, 1)]))]))
        {
        }

        public string Name => "answering";

        public bool IsDisposed { get; private set; }

        public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(IReadOnlyList<RecommendationRequest> requests,
            CancellationToken cancellationToken = default)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            return answer(requests, cancellationToken);
        }

        public void Dispose() => IsDisposed = true;
    }

    /// <summary>Scores by a delegate per history.</summary>
    internal sealed class Scoring(Func<IReadOnlyList<string>, float> score) : IItemScorer
    {
        public IReadOnlyList<string> Items => Index.Items;

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores)
        {
            for (int b = 0; b < histories.Count; b++)
            {
                scores.Slice(b * Items.Count, Items.Count).Fill(score(histories[b]));
            }
        }
    }

    /// <summary>A container's factory: meters end with it.</summary>
    internal sealed class Meters : IMeterFactory
    {
        private readonly List<Meter> _made = [];

        public Meter Create(MeterOptions options)
        {
            lock (_made)
            {
                if (_made.Find(meter => meter.Name == options.Name) is { } known)
                {
                    return known;
                }

                options.Scope = this;
                _made.Add(new Meter(options));
                return _made[^1];
            }
        }

        public void Dispose() => _made.ForEach(meter => meter.Dispose());
    }
}
