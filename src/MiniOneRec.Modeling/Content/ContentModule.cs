using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

// One file above the usual length: input and head share the vectors, their history weights and the saved form.
/// <summary>What a model knows of its items beside their codes: a frozen vector each, which enters at the input and gives a softmax over
/// the catalogue.</summary>
/// <remarks>
/// <para>
/// <em>Content at the input</em> (LIGER, arXiv:2411.18814, section 4.1): a projection P of the item's vector v is added to the embedding.
/// Departure: it is added at the
/// item's last code alone, since a causal decoder would otherwise read at the first code which item it has to predict.
/// P starts at zero, so that the model starts as it is without.
/// </para>
/// <para>
/// <em>Dense head</em>: with m the mean of the history's vectors, weighted e^(-r·age), l the last item's vector and h the hidden state
/// before the next item,
/// the query is <c>q = A·m + B·l + W·h</c>, and item i has the logit <c>s·q·(v_i + u_i) + b_i</c>. A and B start at multiples of the
/// identity, W and u at
/// zero, b at <c>p·log(count + 1)</c>: a nearest-neighbour search over the vectors.
/// </para>
/// <para>
/// With <see cref="ContentOptions.NeighbourShare"/> the head's probability is a mixture: of the query's softmax, and of one softmax for
/// each item of the history, whose vector is mapped and multiplied by a scale of its own, as a nearest-neighbour search does. The shares of
/// the items fall with their age. Map, scale, biases, ages and shares are learned.
/// </para>
/// <para>
/// An item that the counts do not hold is new: training leaves it out of every softmax, since it was not on offer, and its biases stay
/// where <see cref="ContentOptions.NewItemCount"/> puts them.
/// </para>
/// <para>Vectors are centred and scaled to length 1. An item without one has zeros, so that its bias alone speaks. All weights are
/// float32.</para>
/// </remarks>
public sealed partial class ContentModule : nn.Module
{
    [ComponentName(Name = "input")]
    private Parameter? _input;

    [ComponentName(Name = "mean")]
    private Parameter? _mean;

    [ComponentName(Name = "last")]
    private Parameter? _last;

    [ComponentName(Name = "hidden")]
    private Parameter? _hidden;

    [ComponentName(Name = "scale")]
    private Parameter? _scale;

    [ComponentName(Name = "bias")]
    private Parameter? _bias;

    [ComponentName(Name = "residual")]
    private Parameter? _residual;

    private readonly SemanticIdVocabulary _vocabulary;
    private readonly bool _newestFirst;
    private readonly int[] _leafRows;                           // per node of the trie its row among the leaves' vectors, or -1
    private readonly ConditionalWeakTable<SemanticIdIndex, int[]> _rowsIn = [];
    private readonly int[]? _offered;                           // the rows that training holds, or null where that is all of them
    private Tensor _vectors;                                    // [N, E], centred, length 1
    private Tensor _leafVectors;                                // [leaves, E]
    private CatalogueProduct? _product;

    /// <summary>Makes the part; it starts as <see cref="ContentModule"/> says, whatever the seed.</summary>
    /// <param name="content">The vectors.</param>
    /// <param name="index">The catalogue that the model is trained with.</param>
    /// <param name="template">Which tokens stand for codes, and in which order prompts list a history.</param>
    /// <param name="hiddenSize">D, the model's width.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
    /// <param name="counts">How often training holds each item, items that are not there being new; or <see langword="null"/> where that is
    /// not known, and no item counts as new.</param>
    /// <exception cref="ArgumentException">No item of the catalogue has a vector.</exception>
    public ContentModule(
        ItemContent content, SemanticIdIndex index, IPromptTemplate template, int hiddenSize, ContentOptions? options = null,
        IReadOnlyDictionary<string, double>? counts = null)
        : base(nameof(ContentModule))
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(template);
        Options = OptionsValidation.Validated(options ?? new ContentOptions(), new ContentOptionsValidator()).Copy();
        (Content, Trie, _vocabulary) = (content.For(index), new SemanticIdTrie(index), template.Vocabulary);
        _newestFirst = template is CompactTemplate { Order: HistoryOrder.NewestFirst };
        (Items, HiddenSize) = (index.Items, hiddenSize);
        using (no_grad())
        {
            using var scope = NewDisposeScope();
            _vectors = ContentVectors.Of(Content).DetachFromDisposeScope();
            (_leafRows, var leaves) = ContentVectors.ByLeaf(Content, Trie, _vectors);
            _leafVectors = leaves.DetachFromDisposeScope();
            _input = Options.AtInput ? Weights.Filled(0, hiddenSize, Content.Width) : null;
            if (Options.DenseHead)
            {
                _mean = Identity(1 - Options.LastItemShare);
                _last = Identity(Options.LastItemShare);
                _hidden = Weights.Filled(0, Content.Width, hiddenSize);
                _scale = Weights.Filled(Options.InitialScale, 1);
                double[] held = [.. Items.Select(item => counts?.GetValueOrDefault(item) ?? 0)];
                _offered = Array.Exists(held, count => count > 0) && Array.Exists(held, count => count <= 0)
                    ? [.. Enumerable.Range(0, held.Length).Where(row => held[row] > 0)] : null;
                _bias = Own(Popularity(counts));
                _residual = Options.ItemResiduals ? Weights.Filled(0, Items.Count, Content.Width) : null;
                MakeNeighbours(counts);
            }
        }

        RegisterComponents();
    }

    /// <summary>Gets the vectors, in the order of the catalogue.</summary>
    public ItemContent Content { get; }

    /// <summary>Gets the options.</summary>
    public ContentOptions Options { get; }

    /// <summary>Gets the items that the dense head scores, in order.</summary>
    public IReadOnlyList<string> Items { get; }

    /// <summary>Gets D, the width of the model that it belongs to.</summary>
    public int HiddenSize { get; }

    /// <summary>Gets whether there is a dense head.</summary>
    public bool HasHead => _mean is not null;

    /// <summary>Gets the options as a model folder records them.</summary>
    internal JsonObject Describe() => JsonSerializer.SerializeToNode(Options, ModelingJsonContext.Default.ContentOptions)!.AsObject();

    /// <summary>Gets the tree of the catalogue that the model is trained with.</summary>
    internal SemanticIdTrie Trie { get; }

    /// <summary>Gets the tokens of codes.</summary>
    internal SemanticIdVocabulary Vocabulary => _vocabulary;

    /// <summary>Adds the content of the items that end in a batch to its embeddings.</summary>
    /// <param name="embeddings"><c>[N, D]</c>.</param>
    /// <param name="batch">The tokens.</param>
    /// <returns><c>[N, D]</c>, the argument itself where nothing is added.</returns>
    internal Tensor AddTo(Tensor embeddings, TokenBatch batch)
    {
        if (_input is null)
        {
            return embeddings;
        }

        var rows = batch.HistoriesFor(this);
        return AddAt(embeddings, rows.Ends, [.. rows.Ends.Select(rows.LeafAt)]);
    }

    /// <summary>Adds the content of items that end at given places.</summary>
    /// <param name="embeddings"><c>[R, D]</c>.</param>
    /// <param name="places">The places among the R.</param>
    /// <param name="leaves">The node of the item at each place.</param>
    internal Tensor AddAt(Tensor embeddings, int[] places, int[] leaves)
    {
        if (_input is null || places.Length == 0)
        {
            return embeddings;
        }

        using var scope = NewDisposeScope();
        var content = _leafVectors.index_select(0, Longs([.. leaves.Select(node => (long)_leafRows[node])]));       // [P, E]
        var added = F.linear(content, _input).to_type(embeddings.dtype);                                         // [P, D]
        return embeddings.index_add(0, Longs([.. places.Select(place => (long)place)]), added, Scalars.Of(1)).MoveToOuterDisposeScope();
    }

    /// <summary>Gets the row of each item in a catalogue, −1 where it is not there; empty where the catalogue is the one of the
    /// training.</summary>
    internal int[] RowsIn(SemanticIdIndex index) => ReferenceEquals(Items, index.Items) ? [] : _rowsIn.GetValue(
        index, catalogue => Items.SequenceEqual(catalogue.Items, StringComparer.Ordinal) ? []
        : [.. Items.Select(item => catalogue.TryGetRow(item, out int row) ? row : -1)]);

    /// <summary>Gets the learned weights by name, and how fast each kind learns.</summary>
    internal IEnumerable<(string Name, Parameter Value, ContentRate Rate)> Trained()
    {
        foreach (var (name, value) in named_parameters())
        {
            yield return ($"content.{name}", value, name switch
            {
                "mean" or "last" or "neighbour_map" => ContentRate.Map,
                "residual" => ContentRate.Residual,
                "hidden" => ContentRate.Hidden,
                "scale" or "bias" or "neighbour_scale" or "neighbour_bias" or "neighbour_ages" or "neighbour_gate" => ContentRate.Bias,
                _ => ContentRate.Input,
            });
        }
    }

    /// <summary>Moves weights and vectors to a device.</summary>
    internal void MoveTo(Device device)
    {
        this.to(device);
        if (_vectors.device.type != device.type || _vectors.device.index != device.index)
        {
            ForgetProducts();
            (_vectors, _leafVectors) = (Moved(_vectors, device), Moved(_leafVectors, device));
        }
    }

    /// <summary>Frees weights and vectors.</summary>
    /// <param name="disposing">Whether <see cref="nn.Module.Dispose()"/> called.</param>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            ForgetProducts();
            _vectors.Dispose();
            _leafVectors.Dispose();
        }

        base.Dispose(disposing);
    }

    private Tensor Popularity(IReadOnlyDictionary<string, double>? counts) => tensor([.. Items.Select(item =>
    {
        double held = counts?.GetValueOrDefault(item) ?? 0;
        return (float)(Options.PopularityPower * Math.Log((held > 0 || counts is null ? held : Options.NewItemCount) + 1));
    })]);

    private Parameter Identity(double value)
    {
        using var scope = NewDisposeScope();
        return Own(eye(Content.Width).mul_(Scalars.Of(value)));
    }

    private static Parameter Own(Tensor value)
    {
        var parameter = new Parameter(value, requires_grad: true);
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    private Tensor Longs(long[] values) => tensor(values, device: _leafVectors.device);

    private static Tensor Moved(Tensor value, Device device)
    {
        var moved = value.to(device).DetachFromDisposeScope();
        value.Dispose();
        return moved;
    }
}
