using System.Text.RegularExpressions;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>The prompts of the reference's reinforcement that hold titles and descriptions, through the trainer from end to end.</summary>
public sealed partial class TitlePromptTests
{
    private static readonly string[] Titles =
        ["steel drill bits", "paper towels", "nitrile gloves", "label maker", "digital caliper", "desk lamp", "packing tape",
            "safety glasses"];

    [Theory]
    [InlineData("R2a")]
    [InlineData("R2b")]
    [InlineData("R3")]
    public async Task TrainAsync_TitlePrompts_LearnsTheirItems(string kind)
    {
        using var recommender = Recommender();
        RolloutExample[] train =
            [.. Titles.Select((title, i) => new RolloutExample(new NextItemExample($"u{i}", [], $"i{i}")) { Prompt = Prompt(kind, i) })];
        var options = new GrpoOptions
        {
            Steps = 80, PromptsPerStep = 8, GroupSize = 20, LearningRate = 0.01, WarmupSteps = 0, KlWeight = 0.001, GroupsPerUpdate = 4,
                Guards = new GuardOptions { KlCeiling = 0 },
        };

        var result = await new GrpoTrainer([new ExactMatchReward(), new RankReward()], options).TrainAsync(recommender, train);

        Assert.Equal(5, result.History[^1].Metrics["length"]);          // three codes, the line's end, the end
        var best = new BeamRolloutSampler().Sample(new RolloutRequest
        {
            Model = recommender.Model, Trie = recommender.Trie, Template = recommender.Template, GroupSize = 4, Random = new Random(1),
            Prompts = [.. train.Select(example => recommender.Template.EncodePrompt(example.Prompt!))],
            Targets = [.. train.Select(_ => new HashSet<int>())],
        });
        Assert.Equal(
            train.Select(example => recommender.Trie.Find(recommender.Index[example.Source.Target].Codes)),
            best.Select(group => group[0].Node));
    }

    [Fact]
    public async Task TrainAsync_TitleOfTwoItems_PaysBoth()
    {
        using var recommender = Recommender();
        var example = new RolloutExample(new NextItemExample("u", [], "i0")) { Prompt = Prompt("R2a", 0), OtherTargets = ["i9"] };
        var watcher = new TargetsSeen();

        await new GrpoTrainer([watcher], new GrpoOptions { Steps = 1, PromptsPerStep = 2, GroupSize = 20, WarmupSteps = 0 })
            .TrainAsync(recommender, [example]);

        Assert.Equal(["i0", "i9"], watcher.Paid.Order());
    }

    private static Prompt Prompt(string kind, int i) => kind switch
    {
        "R2a" => ReferencePrompts.WithoutInstruction(ReferencePrompts.TitleToSid(Titles[i])),
        "R2b" => ReferencePrompts.DescriptionToSid($"{Titles[i]} of the best make"),
        _ => ReferencePrompts.TitleSequenceToSid([Titles[i], Titles[(i + 3) % Titles.Length]]),
    };

    private static GenerativeRecommender Recommender()
    {
        var index = Toy.Index(20, [4, 4, 4]);
        var template = new AlpacaTemplate(new Words(index.LevelSizes), index.LevelSizes, NextItemWording.Reinforcement);
        return new GenerativeRecommender(Toy.Model(template.VocabularySize, deviation: 0.15), index, template);
    }

    private sealed class TargetsSeen : IRewardFunction
    {
        public HashSet<string> Paid { get; } = [];

        public string Name => "targets";

        public void Score(RolloutGroup group, Span<double> rewards)
        {
            for (int i = 0; i < rewards.Length; i++)
            {
                rewards[i] = group.IsHit(i) ? 1 : 0;
                if (group.IsHit(i))
                {
                    Paid.UnionWith(group.ItemsOf(i));
                }
            }
        }
    }

    /// <summary>One token per word, by a table of 128 places; one per code.</summary>
    private sealed partial class Words : ITextTokenizer
    {
        private const int Places = 128;
        private readonly Dictionary<string, int> _codes = [];

        public Words(IReadOnlyList<int> levelSizes)
        {
            for (int level = 0; level < levelSizes.Count; level++)
            {
                for (int code = 0; code < levelSizes[level]; code++)
                {
                    _codes.Add(SemanticId.TokenText(level, code), Places + 1 + _codes.Count);
                }
            }
        }

        public int VocabularySize => Places + 1 + _codes.Count;

        public int EndToken => Places;

        public string? ChatTemplate => null;

        public int[] Encode(string text) => [.. Pieces().Matches(text).Select(match => TokenOf(match.Value))];

        public string Decode(IReadOnlyList<int> tokens) => string.Join(' ', tokens);

        public bool TryGetToken(string text, out int token) => _codes.TryGetValue(text, out token);

        private int TokenOf(string piece) =>
            _codes.TryGetValue(piece, out int code) ? code : piece.Aggregate(7, (hash, letter) => (hash * 31 + letter) % 10_007) % Places;

        [GeneratedRegex(@"<[a-z]_\d+>|\w+|\n|[^\w\s]")]
        private static partial Regex Pieces();
    }
}
