using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Tokenization;

/// <summary>Levels of codes, each quantizing what the levels above it left over.</summary>
/// <remarks>
/// RQ-VAE, Lee et al. (arXiv:2203.01941), section 3.1, and TIGER (arXiv:2305.05065), section 3.1. Level loss: mse(e, sg[r]) + β·mse(sg[e],
/// r); quantisation loss: the mean over levels, as in the MiniOneRec reference.
/// </remarks>
internal sealed class ResidualQuantizer : nn.Module
{
    [ComponentName(Name = "levels")]
    private readonly ModuleList<VectorQuantizer> _levels;

    private readonly RqVaeOptions _options;

    /// <param name="options">Sizes, gradient mode, Sinkhorn and penalties.</param>
    /// <param name="width">Z.</param>
    public ResidualQuantizer(RqVaeOptions options, int width)
        : base(nameof(ResidualQuantizer))
    {
        _options = options;
        _levels = new ModuleList<VectorQuantizer>(
            [.. options.CodebookSizes.Select(codes => new VectorQuantizer(codes, width, options.Codebooks))]);
        RegisterComponents();
    }

    /// <summary>Gets the levels.</summary>
    public ModuleList<VectorQuantizer> Levels => _levels;

    /// <summary>Quantizes with gradients.</summary>
    /// <param name="z">Latent vectors, <c>[B, Z]</c>.</param>
    /// <returns>The output in the caller's scope.</returns>
    public QuantizedLatent Forward(Tensor z)
    {
        using var scope = NewDisposeScope();
        int levels = _levels.Count;
        bool textbook = _options.Gradient == ResidualGradient.Textbook;
        var residuals = new Tensor[levels];
        var codes = new Tensor[levels];
        var losses = new Tensor[levels];
        Tensor? balance = null;
        var residual = z;
        Tensor? sum = null;
        for (int level = 0; level < levels; level++)
        {
            var quantizer = _levels[level];
            residuals[level] = residual.detach();                                           // [B, Z]
            codes[level] = quantizer.Assign(residuals[level], Epsilon(level, training), _options.SinkhornIterations);
            var e = quantizer.Codebook.index_select(0, codes[level]);                       // [B, Z]
            var constant = e.detach();
            var commitment = F.mse_loss(residual, constant) * Scalars.Of(_options.CommitmentWeight);
            losses[level] = _options.Codebooks.MovingAverage ? commitment : F.mse_loss(e, residuals[level]).Plus(commitment);
            if (_options.BalanceWeight > 0)
            {
                var penalty = quantizer.BalancePenalty(residual, _options.BalanceTemperature) / Scalars.Of(levels);
                balance = balance is null ? penalty : balance.Plus(penalty);
            }

            var q = textbook ? constant : residual.Plus(constant - residuals[level]);
            residual = residual - q;
            sum = sum is null ? q : sum.Plus(q);
        }

        // Textbook: one straight-through step around the whole sum.
        var quantised = textbook ? z.Plus(sum! - z.detach()) : sum!;                          // [B, Z]
        var perLevel = stack(losses);                                                       // [L]
        return new QuantizedLatent(
            quantised.MoveToOuterDisposeScope(),
            stack(codes, 1).MoveToOuterDisposeScope(),                                      // [B, L]
            stack(residuals).MoveToOuterDisposeScope(),                                     // [L, B, Z]
            perLevel.MoveToOuterDisposeScope(),
            perLevel.mean().MoveToOuterDisposeScope(),
            balance?.MoveToOuterDisposeScope());
    }

    /// <summary>Assigns codes without gradients.</summary>
    /// <param name="z">Latent vectors, <c>[B, Z]</c>.</param>
    /// <returns>Codes, <c>[B, L]</c> int64.</returns>
    public Tensor Encode(Tensor z)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var codes = new Tensor[_levels.Count];
        var residual = z;
        for (int level = 0; level < codes.Length; level++)
        {
            codes[level] = _levels[level].Assign(residual, Epsilon(level, training: false), _options.SinkhornIterations);
            residual = residual - _levels[level].Codebook.index_select(0, codes[level]);
        }

        return stack(codes, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Sums the codes of the first levels.</summary>
    /// <param name="codes">Codes, <c>[B, L]</c> int64.</param>
    /// <param name="levels">The number of levels to sum, at least 1.</param>
    /// <returns>Latent vectors, <c>[B, Z]</c>.</returns>
    public Tensor Sum(Tensor codes, int levels)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var sum = _levels[0].Codebook.index_select(0, codes.select(1, 0));                  // [B, Z]
        for (int level = 1; level < levels; level++)
        {
            sum = sum.Plus(_levels[level].Codebook.index_select(0, codes.select(1, level)));
        }

        return sum.MoveToOuterDisposeScope();
    }

    private double Epsilon(int level, bool training)
    {
        bool used = _options.SinkhornUse == SinkhornUse.Both || (_options.SinkhornUse == SinkhornUse.Training) == training;
        return used && _options.SinkhornEpsilons.Count > 0 ? _options.SinkhornEpsilons[level] : 0;
    }
}

/// <summary>What <see cref="ResidualQuantizer"/> makes of a batch.</summary>
/// <param name="Quantised">z_q, <c>[B, Z]</c>.</param>
/// <param name="Codes">Codes, <c>[B, L]</c> int64.</param>
/// <param name="Residuals">What each level quantised, detached, <c>[L, B, Z]</c>.</param>
/// <param name="LevelLosses">ℓ of each level, <c>[L]</c>.</param>
/// <param name="Loss">Their mean.</param>
/// <param name="Balance">The balance penalty's mean over levels, where its weight is above 0.</param>
internal sealed record QuantizedLatent(Tensor Quantised, Tensor Codes, Tensor Residuals, Tensor LevelLosses, Tensor Loss, Tensor? Balance);
