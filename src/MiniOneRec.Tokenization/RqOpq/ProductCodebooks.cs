using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>A rotation and one codebook for each part of the rotated vector.</summary>
/// <remarks>
/// Optimised product quantization, Ge et al. (CVPR 2013): the start gives the parts equal shares of the variance (parametric form, their
/// section 4.1); then codes and rotation are learned in turns, the rotation by orthogonal Procrustes.
/// </remarks>
internal sealed class ProductCodebooks : IDisposable
{
    private readonly Tensor _rotation;                                                      // [E, E]
    private readonly Tensor[] _parts;                                                       // [K, width of the part] each
    private readonly long[] _widths;

    private ProductCodebooks(Tensor rotation, Tensor[] parts)
    {
        (_rotation, _parts) = (rotation.DetachFromDisposeScope(), [.. parts.Select(part => part.DetachFromDisposeScope())]);
        _widths = [.. parts.Select(part => part.size(1))];
    }

    public int Width => (int)_rotation.size(0);

    /// <summary>Fits rotation and codes.</summary>
    /// <param name="x">Vectors, <c>[N, E]</c>.</param>
    /// <param name="sizes">K of each part.</param>
    /// <param name="iterations">Turns between codes and rotation.</param>
    /// <param name="settings">How the first codes are found.</param>
    /// <param name="random">Draws their starts.</param>
    /// <param name="turned">Told after each turn, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Looked at in every turn.</param>
    public static ProductCodebooks Fit(
        Tensor x, IReadOnlyList<int> sizes, int iterations, KMeansSettings settings, Random random, Action<int>? turned,
        CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        long[] widths = [.. Enumerable.Range(0, sizes.Count).Select(i => (x.size(1) + sizes.Count - 1 - i) / sizes.Count)];
        var rotation = EqualVariance(x, widths);
        var parts = x.mm(rotation).split(widths, 1)
            .Select((part, i) => KMeans.Fit(part, sizes[i], settings, random, cancellationToken).Centres).ToArray();
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var turn = NewDisposeScope();
            var rotated = x.mm(rotation).split(widths, 1);
            var decoded = new Tensor[parts.Length];
            for (int i = 0; i < parts.Length; i++)
            {
                using var clusters = KMeans.Lloyd(rotated[i], parts[i], 1, 0, cancellationToken);
                parts[i] = clusters.Centres.alias().MoveToOuterDisposeScope();
                decoded[i] = clusters.Centres.index_select(0, clusters.Labels);
            }

            // Procrustes: the rotation that brings x nearest to what its codes decode to.
            var (u, _, vh) = linalg.svd(x.t().mm(cat(decoded, 1)), fullMatrices: false);    // [E, E]
            rotation = u.mm(vh).MoveToOuterDisposeScope();
            turned?.Invoke(iteration + 1);
        }

        // The codes once more, for the last rotation.
        var last = x.mm(rotation).split(widths, 1);
        parts = [.. parts.Select((part, i) =>
            KMeans.Lloyd(last[i], part, settings.MaxIterations, settings.Tolerance, cancellationToken).Centres)];
        return new ProductCodebooks(rotation, parts);
    }

    public Tensor Encode(Tensor x)
    {
        using var scope = NewDisposeScope();
        return stack([.. x.mm(_rotation).split(_widths, 1).Select((part, i) => KMeans.Nearest(part, _parts[i]).Labels)], 1)
            .MoveToOuterDisposeScope();
    }

    public Tensor Decode(Tensor codes)
    {
        using var scope = NewDisposeScope();
        return cat([.. _parts.Select((part, i) => part.index_select(0, codes.select(1, i)))], 1).mm(_rotation.t())
            .MoveToOuterDisposeScope();
    }

    /// <summary>Measures squared distances of one part to its codes, <c>[n, K]</c>.</summary>
    public Tensor Distances(Tensor x, int part)
    {
        using var scope = NewDisposeScope();
        var own = x.mm(_rotation.narrow(1, _widths.Take(part).Sum(), _widths[part]));       // [n, width of the part]
        return addmm(_parts[part].pow(Scalars.Of(2)).sum(1), own, _parts[part].t(), 1, -2)
            .Plus(own.pow(Scalars.Of(2)).sum(1, keepdim: true)).MoveToOuterDisposeScope();
    }

    public IReadOnlyList<(string Name, Tensor Value)> Tensors() =>
        [("rotation", _rotation), .. _parts.Select((part, i) => ($"product.{i}", part))];

    /// <summary>Makes codebooks of saved tensors.</summary>
    public static ProductCodebooks Load(StoredTensors tensors, IReadOnlyList<int> sizes, Device device)
    {
        using var _ = no_grad();
        long width = tensors.Get("rotation", -1, -1).size(0);
        return new ProductCodebooks(
            tensors.Get("rotation", width, width).to(device).clone(),
            [.. sizes.Select((size, i) => tensors.Get($"product.{i}", size, -1).to(device).clone())]);
    }

    public void Dispose()
    {
        _rotation.Dispose();
        foreach (var part in _parts)
        {
            part.Dispose();
        }
    }

    /// <summary>Principal axes, dealt so that the product of the variances is alike in every part.</summary>
    private static Tensor EqualVariance(Tensor x, long[] widths)
    {
        using var scope = NewDisposeScope();
        var centred = x - x.mean([0], keepdim: true);
        var (values, vectors) = linalg.eigh(centred.t().mm(centred) / Scalars.Of(x.size(0)));   // ascending
        double[] variances =
            [.. values.to_type(ScalarType.Float64).data<double>().ToArray().Select(value => Math.Log(Math.Max(value, 1e-12)))];
        var dealt = widths.Select(_ => new List<long>()).ToArray();
        double[] sums = new double[widths.Length];
        for (int axis = variances.Length - 1; axis >= 0; axis--)
        {
            int part = Enumerable.Range(0, widths.Length).Where(i => dealt[i].Count < widths[i]).MinBy(i => sums[i]);
            dealt[part].Add(axis);
            sums[part] += variances[axis] - variances[0];
        }

        return vectors.index_select(1, tensor(dealt.SelectMany(axes => axes).ToArray(), device: x.device)).MoveToOuterDisposeScope();
    }
}
