using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <content>What a model knows of its items beside their codes.</content>
public abstract partial class CausalLanguageModel
{
    private bool _ownsContent;

    /// <summary>Gets what the model knows of its items beside their codes, or <see langword="null"/>; see <see cref="Attach"/>.</summary>
    /// <remarks>
    /// Its weights are no parameters of the model: <see cref="MiniOneRec.Modeling.ContentModule"/> is saved beside the checkpoint,
    /// supervised training learns it together with the
    /// model, and GRPO leaves it as it is.
    /// </remarks>
    public ContentModule? Content { get; private set; }

    /// <summary>Gives the model its items' vectors; the model then owns the part, and replaces and disposes an earlier one.</summary>
    /// <param name="content">The part; moved to the model's device.</param>
    /// <exception cref="ArgumentException">The part was made for a model of another width.</exception>
    public void Attach(ContentModule content)
    {
        ArgumentNullException.ThrowIfNull(content);
        if (content.HiddenSize != Config.HiddenSize)
        {
            throw new ArgumentException(
                $"The content is made for a model of width {content.HiddenSize}; this one has {Config.HiddenSize}.", nameof(content));
        }

        if (!ReferenceEquals(Content, content))
        {
            DropContent();
        }

        content.MoveTo(Device);
        (Content, _ownsContent) = (content, true);
    }

    /// <summary>Lets a copy of a model read the same content; the other model keeps it.</summary>
    internal void ShareContentOf(CausalLanguageModel other) => (Content, _ownsContent) = (other.Content, false);

    /// <summary>Adds the vectors of the items that end in a batch to its embeddings.</summary>
    /// <param name="embeddings"><c>[N, D]</c>.</param>
    /// <param name="batch">The tokens.</param>
    /// <returns><c>[N, D]</c>; the embeddings themselves where the model has no content at its input.</returns>
    protected Tensor AddContent(Tensor embeddings, TokenBatch batch) => Content is null ? embeddings : Content.AddTo(embeddings, batch);

    /// <summary>Adds the vectors of the items that end in a decoding step to its embeddings.</summary>
    /// <param name="embeddings"><c>[R, D]</c>.</param>
    /// <param name="cache">The rows that were run before.</param>
    /// <param name="step">The new tokens.</param>
    private protected Tensor AddContent(Tensor embeddings, PromptCache cache, DecodingStep step)
    {
        if (Content is not { Options.AtInput: true } content)
        {
            return embeddings;
        }

        cache.RowTokens.AddRange(step.Tokens);
        List<int> places = [], leaves = [];
        for (int r = 0; r < step.Tokens.Length; r++)
        {
            int node = -1;
            foreach (int row in step.Ancestors[r])
            {
                node = HistoryRows.Step(node, cache.RowTokens[row], content.Vocabulary, content.Trie);
            }

            if (HistoryRows.IsEnd(node, content.Trie))
            {
                places.Add(r);
                leaves.Add(node);
            }
        }

        return content.AddAt(embeddings, [.. places], [.. leaves]);
    }

    private void DropContent()
    {
        if (_ownsContent)
        {
            Content?.Dispose();
        }

        (Content, _ownsContent) = (null, false);
    }
}
