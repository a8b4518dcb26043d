using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>One level: a codebook, the assignment to it, and the care of codes that nothing uses.</summary>
internal sealed class VectorQuantizer : nn.Module
{
    private const double RevivalNoise = 1e-4;
    private readonly CodebookOptions _options;

    [ComponentName(Name = "codebook")]
    private Parameter _codebook;

    /// <summary>Moving share of each code in the assignments, <c>[K]</c>.</summary>
    [ComponentName(Name = "usage")]
    private Tensor _usage;

    /// <summary>Steps since each code was used, <c>[K]</c>.</summary>
    [ComponentName(Name = "idle")]
    private Tensor _idle;

    /// <summary>Moving count of each code's residuals, <c>[K]</c>, and their moving sum, <c>[K, D]</c>.</summary>
    [ComponentName(Name = "count")]
    private Tensor _count;

    [ComponentName(Name = "sum")]
    private Tensor _sum;

    /// <param name="codes">K.</param>
    /// <param name="width">D.</param>
    /// <param name="options">How codes are learned and revived.</param>
    public VectorQuantizer(int codes, int width, CodebookOptions options)
        : base(nameof(VectorQuantizer))
    {
        _options = options;
        // uniform in ±1/K
        _codebook = new Parameter(rand(codes, width).mul_(Scalars.Of(2)).sub_(Scalars.Of(1)).div_(Scalars.Of(codes)),
            requires_grad: !options.MovingAverage);
        _usage = full([codes], Scalars.Of(1.0f / codes));
        _idle = zeros([codes]);
        // each code starts as the mean of one residual: itself
        _count = ones([codes]);
        _sum = _codebook.detach().clone();
        RegisterComponents();
        foreach (var tensor in (Tensor[])[_codebook, _usage, _idle, _count, _sum])
        {
            // the module owns them, whatever scope it is made in
            tensor.DetachFromDisposeScope();
        }
    }

    /// <summary>Gets the codes, <c>[K, D]</c>.</summary>
    public Parameter Codebook => _codebook;

    /// <summary>Replaces the codes, as k-means found them.</summary>
    public void Initialise(Tensor centres)
    {
        using var _ = no_grad();
        _codebook.copy_(centres);
    }

    /// <summary>Finds each residual's code.</summary>
    /// <param name="residual">The residuals, <c>[B, D]</c>.</param>
    /// <param name="epsilon">Sinkhorn's ε, or 0 for the nearest code.</param>
    /// <param name="iterations">Sinkhorn's scalings.</param>
    /// <returns>Codes, <c>[B]</c> int64.</returns>
    public Tensor Assign(Tensor residual, double epsilon, int iterations)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        if (epsilon == 0)
        {
            return KMeans.Nearest(residual, _codebook).Labels.MoveToOuterDisposeScope();
        }

        return SinkhornKnopp.Plan(Distances(residual), epsilon, iterations).argmax(1).MoveToOuterDisposeScope();
    }

    /// <summary>Computes squared distances of residuals to all codes, with gradient where there is one.</summary>
    /// <returns>Distances, <c>[B, K]</c>.</returns>
    public Tensor Distances(Tensor residual)
    {
        using var scope = NewDisposeScope();
        return addmm(_codebook.pow(Scalars.Of(2)).sum(1), residual, _codebook.t(), 1, -2)
            .Plus(residual.pow(Scalars.Of(2)).sum(1, keepdim: true)).MoveToOuterDisposeScope();
    }

    /// <summary>Computes KL(p̄‖uniform) of the mean soft assignment: 0 where all codes are used alike, ln K where one is.</summary>
    public Tensor BalancePenalty(Tensor residual, double temperature)
    {
        using var scope = NewDisposeScope();
        var mean = Distances(residual).div(Scalars.Of(-temperature)).softmax(1).mean([0]).clamp_min(Scalars.Of(1e-12));   // [K]
        return (mean * (mean * Scalars.Of(mean.size(0))).log()).sum().MoveToOuterDisposeScope();
    }

    /// <summary>After a step: moves the averages, counts idle steps, and gives dead codes the residuals that are farthest from
    /// theirs.</summary>
    /// <param name="residual">The residuals of the step, detached, <c>[B, D]</c>.</param>
    /// <param name="codes">Their codes, <c>[B]</c>.</param>
    /// <returns>The number of codes revived.</returns>
    public long Update(Tensor residual, Tensor codes)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var counts = codes.bincount(null, minlength: _codebook.size(0)).to_type(_usage.dtype);    // [K]
        if (_options.MovingAverage)
        {
            _count.mul_(Scalars.Of(_options.Decay)).PlusInPlace(counts * Scalars.Of(1 - _options.Decay));
            _sum.mul_(Scalars.Of(_options.Decay)).index_add_(0, codes, residual, Scalars.Of(1 - _options.Decay));
            var total = _count.sum();
            // Laplace: no division by zero
            var smoothed = _count.Plus(Scalars.Of(1e-5)) / total.Plus(Scalars.Of(1e-5 * _count.size(0))) * total;
            _codebook.copy_(_sum / smoothed.unsqueeze(1));
        }

        if (_options.RevivalPatience == 0)
        {
            return 0;
        }

        _usage.mul_(Scalars.Of(_options.UsageDecay)).PlusInPlace(counts * Scalars.Of((1 - _options.UsageDecay) / codes.size(0)));
        _idle.PlusInPlace(Scalars.Of(1)).mul_((counts == Scalars.Of(0)).to_type(_idle.dtype));
        var dead = ((_idle >= Scalars.Of(_options.RevivalPatience)) & (_usage < Scalars.Of(_options.RevivalThreshold))).nonzero()
            .squeeze(1);
        return dead.size(0) == 0 ? 0 : Revive(dead, residual, codes);
    }

    /// <summary>Starts the moving averages where the codes are.</summary>
    public void StartAverages(Tensor counts)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        _count.copy_(counts);
        _sum.copy_(_codebook * _count.unsqueeze(1));
    }

    private long Revive(Tensor dead, Tensor residual, Tensor codes)
    {
        long number = dead.size(0), available = Math.Min(number, residual.size(0));
        var errors = (residual - _codebook.index_select(0, codes)).pow(Scalars.Of(2)).sum(1);   // [B]
        var (_, far) = errors.topk((int)available);
        // cycled where the batch is small
        var rows =
            far.index_select(0, arange(Scalars.Of(0), Scalars.Of(number), Scalars.Of(1), device: far.device) % Scalars.Of(available));
        var fresh = residual.index_select(0, rows);
        fresh = fresh.Plus(randn_like(fresh) * Scalars.Of(RevivalNoise));
        _codebook.index_copy_(0, dead, fresh);
        _usage.index_fill_(0, dead, Scalars.Of(Math.Max(_options.RevivalThreshold, 1.0 / _usage.size(0))));
        _idle.index_fill_(0, dead, Scalars.Of(0));
        _count.index_fill_(0, dead, Scalars.Of(1));
        _sum.index_copy_(0, dead, fresh);
        return number;
    }
}
