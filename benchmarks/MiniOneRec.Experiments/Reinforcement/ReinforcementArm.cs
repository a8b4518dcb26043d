using System.Globalization;
using MiniOneRec.Recipes;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Experiments;

/// <summary>One way to reinforce, written as parts: <c>rank+sampling+rate=1e-4</c>.</summary>
/// <remarks>
/// Rewards: accuracy, rank (with accuracy, as in the paper), semantic, collaborative, gated, rules, prefix, each with <c>*weight</c>; the
/// preset's where none is named. Rollouts: beam, sampling, dynamic, gumbel. Options: rate, steps, kl, prompts, group, entropy, epochs,
/// loss. Instead of all that: dpo, sdpo.
/// </remarks>
internal sealed class ReinforcementArm
{
    private readonly List<(string Name, double Weight)> _rewards = [];
    private readonly Dictionary<string, string> _options = new(StringComparer.Ordinal);
    private string _rollouts = "beam";
    private int _rejected;

    private ReinforcementArm(string name) => Name = name;

    public string Name { get; }

    public static ReinforcementArm Parse(string text)
    {
        var arm = new ReinforcementArm(text);
        foreach (string part in text.Split('+'))
        {
            string[] option = part.Split('='), reward = part.Split('*');
            switch (reward[0])
            {
                case "default":
                    break;
                case "beam" or "sampling" or "dynamic" or "gumbel":
                    arm._rollouts = part;
                    break;
                case "dpo" or "sdpo":
                    arm._rejected = part == "dpo" ? 1 : 15;
                    break;
                case "accuracy" or "rank" or "semantic" or "collaborative" or "gated" or "rules" or "prefix":
                    arm._rewards.Add((reward[0], reward.Length > 1 ? Number(reward[1], part) : 1));
                    break;
                default:
                    if (option.Length != 2
                        || option[0] is not ("rate" or "steps" or "kl" or "prompts" or "group" or "entropy" or "epochs" or "loss"))
                    {
                        throw new ArgumentException($"Arm '{text}' has the part '{part}', which is no reward, rollout or option.");
                    }

                    arm._options[option[0]] = option[1];
                    break;
            }
        }

        return arm;
    }

    public async Task<TrainingResult> TrainAsync(
        GenerativeRecommender recommender, SplitDataset data, RecipePreset preset, int seed, StudyContext context,
        IProgress<TrainingProgress> progress)
    {
        var options = preset.Grpo(seed);
        Configure(options);
        if (_rejected > 0)
        {
            var preference = new PreferenceOptions
            {
                Steps = options.Steps, LearningRate = options.LearningRate, Seed = seed, RejectedCount = _rejected,
                    Rejected = RejectedSource.Rollouts, Guards = options.Guards,
            };
            return await new PreferenceTrainer(preference)
                .TrainAsync(recommender, data.Train, data.Validation, progress, context.CancellationToken);
        }

        var rewards = await RewardsAsync(data, preset, seed, context);
        IRolloutSampler sampler = _rollouts switch
        {
            "sampling" => new RandomRolloutSampler(),
            "dynamic" => new DynamicRolloutSampler(),
            "gumbel" => new GumbelRolloutSampler(),
            _ => new BeamRolloutSampler(),
        };
        return await new GrpoTrainer(rewards, options, sampler)
            .TrainAsync(recommender, data.Train, data.Validation, progress, context.CancellationToken);
    }

    private static double Number(string text, string part) => double.TryParse(text, CultureInfo.InvariantCulture, out double value)
        ? value
        : throw new ArgumentException($"'{part}' needs a number; '{text}' is none.");

    private void Configure(GrpoOptions options)
    {
        foreach (var (key, text) in _options)
        {
            if (key == "loss")
            {
                options.Objective = Enum.Parse<PolicyObjective>(text, ignoreCase: true);
                options.DivideByDeviation = options.Objective != PolicyObjective.DrGrpo;
                continue;
            }

            double value = Number(text, $"{key}={text}");
            switch (key)
            {
                case "rate": options.LearningRate = value; break;
                case "steps": options.Steps = (int)value; break;
                case "kl": options.KlWeight = value; break;
                case "prompts": options.PromptsPerStep = (int)value; break;
                case "group": options.GroupSize = (int)value; break;
                case "entropy": options.EntropyWeight = value; break;
                default: options.InnerEpochs = (int)value; break;
            }
        }
    }

    private async Task<List<IRewardFunction>> RewardsAsync(SplitDataset data, RecipePreset preset, int seed, StudyContext context)
    {
        var rules = new SequentialRulesRecommender(data.TrainSequences, data.ItemIds);
        var rewards = _rewards.Count > 0 ? [] : RecipePreset.Rewards(rules).ToList();
        foreach (var (name, weight) in _rewards)
        {
            IRewardFunction reward = name switch
            {
                "accuracy" => new ExactMatchReward(),
                "rank" => new RankReward(),
                "prefix" => new SharedPrefixReward(),
                "rules" => new CollaborativeReward(rules),
                "collaborative" => new CollaborativeReward(await SasRecAsync(data, seed, context)),
                "gated" => new GatedCollaborativeReward(await SasRecAsync(data, seed, context)),
                _ => await SemanticAsync(data, context),
            };
            if (name == "rank" && !rewards.Any(other => other is WeightedReward { Reward: ExactMatchReward }))
            {
                rewards.Add(new WeightedReward(new ExactMatchReward(), weight));
            }

            rewards.Add(new WeightedReward(reward, weight));
        }

        return rewards;
    }

    private static async Task<IItemScorer> SasRecAsync(SplitDataset data, int seed, StudyContext context) =>
        await new SasRecTrainer(shared: new MiniOneRecOptions { Seed = seed })
            .TrainAsync(data.TrainSequences, data.Validation, data.ItemIds, cancellationToken: context.CancellationToken);

    private static async Task<SemanticReward> SemanticAsync(SplitDataset data, StudyContext context)
    {
        var table = await EmbeddingTable.LoadAsync(context.FixturePath($"embeddings/{data.Name}.emb-minilm-td.npy"),
            cancellationToken: context.CancellationToken);
        return new SemanticReward(
            data.ItemIds.Select((item, row) => new KeyValuePair<string, ReadOnlyMemory<float>>(item, table[row].ToArray())));
    }
}
