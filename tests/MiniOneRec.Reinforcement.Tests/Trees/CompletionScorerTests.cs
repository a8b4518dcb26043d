using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>One tree per group gives what copies of the prompt give: loss and every gradient.</summary>
public sealed class CompletionScorerTests
{
    [Theory]
    [InlineData("qwen2", false, false)]
    [InlineData("qwen2", true, false)]
    [InlineData("qwen2", true, true)]
    [InlineData("qwen3", false, false)]
    [InlineData("qwen3", true, true)]
    [InlineData("llama", false, true)]
    [InlineData("llama", true, false)]
    public void Score_TreesAndCopies_GiveEqualLossesAndGradients(string family, bool mixedDepth, bool renormalised)
    {
        using var scope = NewDisposeScope();
        var index = Toy.Index(30, [4, 5, 6], mixedDepth);
        var template = CompactTemplate.For(index);
        using var trie = new SemanticIdTrie(index);
        using var model = Toy.Model(template.VocabularySize, family);
        var groups = Groups(index, template);
        int width = trie.Depth + template.Terminator.Count;
        using var trees = renormalised
            ? CompletionLayout.Trees(groups, width, CPU, trie, template)
            : CompletionLayout.Trees(groups, width, CPU);
        using var copies = CompletionLayout.Copies(groups, width, CPU, renormalised ? trie : null, template);

        var (treeLoss, treeLogProbs, treeEntropy) = Loss(model, trees);
        var expected = Gradients(model);
        var (copyLoss, copyLogProbs, copyEntropy) = Loss(model, copies);
        var actual = Gradients(model);

        Assert.True(trees.RunTokens * 3 < copies.RunTokens);
        Toy.Close(copies.Mask, trees.Mask, 0, "mask");
        Toy.Close(copyLogProbs, treeLogProbs, 1e-5, "log-probabilities");
        Toy.Close(copyEntropy, treeEntropy, 1e-5, "entropy");
        Assert.Equal(copyLoss, treeLoss, 1e-6);
        double size = actual.Max(pair => pair.Value.abs().max().item<float>());
        foreach (var (name, gradient) in actual)
        {
            Toy.Close(gradient, expected[name], 1e-5 * size, name);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Score_Trie_EqualsTheSamplersLogProbabilities(bool mixedDepth)
    {
        using var scope = NewDisposeScope();
        using var recommender = Toy.Recommender(Toy.Index(30, [4, 5, 6], mixedDepth));
        var request = Toy.Request(recommender, 12, 5, "i3", "i7", "i9");
        var rollouts = new RandomRolloutSampler().Sample(request);
        var groups = request.Prompts.Zip(rollouts,
            (prompt, group) => new CompletionGroup(prompt, [.. group.Select(rollout => rollout.Tokens)])).ToArray();
        using var layout = CompletionLayout.Trees(
            groups, recommender.Trie.Depth + recommender.Template.Terminator.Count, CPU, recommender.Trie, recommender.Template);
        using var noGrad = no_grad();

        var totals = CompletionScorer.Score(recommender.Model, layout).LogProbs.sum(1).data<float>().ToArray();

        Assert.All(rollouts.SelectMany(group => group).Zip(totals), pair => Assert.Equal(pair.First.LogProbability, pair.Second, 1e-4));
    }

    [Fact]
    public void Score_NotAnItem_IsRefusedWhereRenormalised()
    {
        using var recommender = Toy.Recommender(Toy.Index(5, [4, 5, 6]));
        CompletionGroup[] groups = [new([1], [[8, 8, 8]])];
        var error = Assert.Throws<ArgumentException>(() => CompletionLayout.Trees(groups, 4, CPU, recommender.Trie, recommender.Template));
        Assert.Contains("does not follow", error.Message, StringComparison.Ordinal);
    }

    // Ragged prompts, completions of different length, duplicates.
    private static CompletionGroup[] Groups(SemanticIdIndex index, IPromptTemplate template)
    {
        var random = new Random(2);
        return [.. Enumerable.Range(1, 5).Select(length => new CompletionGroup(
            template.EncodePrompt(template.NextItem([.. index.SemanticIds.Skip(length).Take(length * 2)])),
            [.. Enumerable.Range(0, 8).Select(g => template.EncodeResponse(index.SemanticIds[g < 2 ? 4 : random.Next(index.Count)]))]))];
    }

    private static (double Loss, Tensor LogProbs, Tensor Entropy) Loss(DecoderModel model, CompletionLayout layout)
    {
        model.zero_grad();
        random.manual_seed(9);
        var (logProbs, entropy) = CompletionScorer.Score(model, layout);
        var advantages = randn(layout.Count);
        var reference = logProbs.detach() + 0.3 * randn(logProbs.shape) * layout.Mask;
        var old = logProbs.detach() + 0.1 * randn(logProbs.shape) * layout.Mask;
        var terms = new GrpoLoss(klWeight: 0.1, entropyWeight: 0.01).Compute(logProbs, old, reference, advantages, layout.Mask, entropy);
        terms.Loss.backward();
        return (terms.Loss.item<float>(), logProbs.detach(), entropy.detach());
    }

    private static Dictionary<string, Tensor> Gradients(DecoderModel model) =>
        model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!.clone());
}
