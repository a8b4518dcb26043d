using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Cross-entropy at label positions, with its gradient, holding a bounded number of logits at once.</summary>
/// <remarks>
/// The gradient with respect to a row of logits is <c>softmax − (1 − ε) q − ε/V</c>, q the label's distribution, so the head needs no
/// graph: each chunk of rows computes its logits, turns them into that gradient in place, and is done. Label smoothing: Szegedy et al.
/// (arXiv:1512.00567), section 7.
/// </remarks>
internal static class LabelLoss
{
    /// <summary>Computes losses and adds their gradient to all parameters that have one.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden">What the forward pass returned, <c>[N, D]</c>, with graph.</param>
    /// <param name="labels">Which rows of <paramref name="hidden"/> predict what.</param>
    /// <param name="scale">Multiplies the summed loss before its gradient is taken: 1 over the labels of the global batch.</param>
    /// <param name="smoothing">ε.</param>
    /// <param name="logitBudget">Values of logits that are held at once, or <see langword="null"/> for what suits the device.</param>
    /// <param name="also">A gradient of hidden states that another loss left, or <see langword="null"/>.</param>
    /// <returns>Loss and negative log-likelihood of each label, <c>[M]</c> float32, without graph.</returns>
    public static (Tensor Loss, Tensor Nll) Backward(
        CausalLanguageModel model, Tensor hidden, LabelSet labels, double scale, double smoothing, long? logitBudget = null,
        DenseGradient? also = null)
    {
        using var scope = NewDisposeScope();
        var rows = hidden.index_select(0, labels.Positions);                                    // [M, D]
        var weight = model.HeadWeight;                                                          // [V, D]

        // What of the head is trained: all of it, its new rows, or nothing.
        var (trained, first) = model.NewRows is { } added ? (added.Output, added.First) : weight.requires_grad ? (weight, 0)
            : ((Tensor?)null, 0);
        Tensor loss, nll, rowGradient;
        Tensor? headGradient;
        using (no_grad())
        {
            (loss, nll, rowGradient, headGradient) =
                Chunks(
                    rows.detach(), weight.detach(), labels, scale, smoothing, logitBudget ?? LogitBudget.OfRows(hidden.device_type),
                    trained, first);
        }

        List<Tensor> roots = [], gradients = [];
        if (rows.requires_grad)
        {
            roots.Add(rows);
            gradients.Add(rowGradient);
        }

        if (trained is not null && headGradient is not null)
        {
            roots.Add(trained);
            gradients.Add(headGradient);
        }

        if (also is not null && hidden.requires_grad)
        {
            roots.Add(hidden.index_select(0, Upload.Of([.. also.Tokens.Select(token => (long)token)], hidden.device)));
            gradients.Add(also.Gradient.to_type(hidden.dtype));
        }

        if (roots.Count > 0)
        {
            autograd.backward(roots, gradients);
        }

        return (loss.MoveToOuterDisposeScope(), nll.MoveToOuterDisposeScope());
    }

    /// <summary>Computes the negative log-likelihood of labels without a gradient.</summary>
    /// <returns><c>[M]</c> float32.</returns>
    public static Tensor Evaluate(CausalLanguageModel model, Tensor hidden, LabelSet labels)
    {
        using var scope = NewDisposeScope();
        return model.LogProbabilities(hidden.index_select(0, labels.Positions), labels.Targets).neg().MoveToOuterDisposeScope();
    }

    // A float32 parameter receives the head's gradient in place, so that no second matrix of the vocabulary's size exists; sums of bfloat16
    // are kept in float32.
    private static (Tensor Loss, Tensor Nll, Tensor Rows, Tensor? Head) Chunks(
        Tensor rows, Tensor weight, LabelSet labels, double scale, double smoothing, long logitBudget, Tensor? trained, int firstTrained)
    {
        using var scope = NewDisposeScope();
        bool inPlace = trained is { is_leaf: true, dtype: ScalarType.Float32 } && rows.dtype == ScalarType.Float32;
        long count = rows.size(0), vocabulary = weight.size(0), chunk = Math.Clamp(logitBudget / vocabulary, 1, count);
        var rowGradient = empty_like(rows);                                                     // [M, D]
        Tensor? headGradient = null;                                                            // [V - first, D]
        var losses = new List<Tensor>();
        var nlls = new List<Tensor>();
        for (long start = 0; start < count; start += chunk)
        {
            using var chunkScope = NewDisposeScope();
            long size = Math.Min(chunk, count - start);
            var x = rows.narrow(0, start, size);                                                // [C, D]
            var target = labels.Targets.narrow(0, start, size).unsqueeze(1);                    // [C, 1]
            var logs = x.mm(weight.t()).to_type(ScalarType.Float32).log_softmax(1);             // [C, V]
            var nll = logs.gather(1, target).neg_();                                            // [C, 1]
            var own = labels.OwnShares?.narrow(0, start, size).unsqueeze(1);                    // [C, 1]
            var loss = own is null ? nll : nll * own;
            Tensor? softPlaces = null, softShares = null;
            if (own is not null)
            {
                var (softRows, softTokens, shares) = labels.Soft(start, size);
                (softPlaces, softShares) = ((softRows * Scalars.Of(vocabulary)).Plus(softTokens), shares);        // [S]
                loss = loss.index_add(0, softRows, (logs.view(-1).index_select(0, softPlaces) * shares).unsqueeze(1), Scalars.Of(-1));
            }

            if (smoothing > 0)
            {
                loss = loss * Scalars.Of(1 - smoothing) - logs.mean([1], keepdim: true) * Scalars.Of(smoothing);
            }

            nlls.Add(nll.squeeze(1).MoveToOuterDisposeScope());
            losses.Add(loss.squeeze(1).MoveToOuterDisposeScope());

            var gradient = logs.exp_();                                                         // [C, V]
            if (smoothing > 0)
            {
                gradient.sub_(Scalars.Of(smoothing / vocabulary));
            }

            gradient.scatter_add_(1, target, own is null ? full_like(nll, Scalars.Of(smoothing - 1)) : own * Scalars.Of(smoothing - 1));
            if (softPlaces is not null)
            {
                gradient.view(-1).index_add_(0, softPlaces, softShares!, Scalars.Of(smoothing - 1));
            }

            gradient.mul_(Scalars.Of(scale));
            gradient = gradient.to_type(rows.dtype);
            rowGradient.narrow(0, start, size).copy_(gradient.mm(weight));
            if (trained is null)
            {
                continue;
            }

            var transposed = gradient.narrow(1, firstTrained, vocabulary - firstTrained).t();   // [V - first, C]
            if (inPlace && trained.grad is { } known)
            {
                known.addmm_(transposed, x);
            }
            else if (inPlace)
            {
                trained.grad = transposed.mm(x);
            }
            else
            {
                var part = transposed.mm(x);                                                    // [V - first, D]
                headGradient = headGradient is null ? part.to_type(size == count ? part.dtype : ScalarType.Float32)
                    .MoveToOuterDisposeScope() : headGradient.PlusInPlace(part);
            }
        }

        headGradient = headGradient?.to_type(rows.dtype).MoveToOuterDisposeScope();
        return (
            cat(losses).MoveToOuterDisposeScope(), cat(nlls).MoveToOuterDisposeScope(),
            rowGradient.MoveToOuterDisposeScope(), headGradient);
    }
}
